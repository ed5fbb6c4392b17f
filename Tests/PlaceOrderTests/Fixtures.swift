#if Example
import AfterCommit
import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
@testable import PlaceOrder
import Synchronization

enum Fixtures {
    /// The storages the use case must not be able to tell apart; the outbox in a temporary folder.
    static let storages: [StorageChoice] = [.memory, .outbox(.lmdb(path: nil))]

    static let request = OrderRequest(
        customer: "ada",
        lines: [
            .init(article: "tea", quantity: 2, unitPrice: 7 / 2), .init(article: "cup", quantity: 1, unitPrice: 10),
        ])

    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

/// A data platform that keeps what it is sent.
final class RecordingSink: EventSink {
    private let orders = Mutex<[String]>([])

    /// The ordering keys of what came, in order.
    var received: [String] { orders.withLock(\.self) }

    func send(_ payload: Data, context: DeliveryContext) async throws {
        _ = try JSONDecoder().decode(OrderPlaced.self, from: payload)
        orders.withLock { $0.append(context.envelope.orderingKey ?? "none") }
    }
}

/// An answer of a server on loopback.
struct Answer {
    var status: UInt
    /// By lower-case name.
    var headers: [String: String]
    var body: Data

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: body) as? [String: Any]) ?? [:]
    }
}

func send(
    _ method: String, _ url: String, headers: [(String, String)] = [], body: String? = nil
) async throws -> Answer {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    request.headers = HTTPHeaders(headers)
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let headers = Dictionary(
        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { "\($0), \($1)" })
    let bytes = try await response.body.collect(upTo: 1_000_000)
    return Answer(status: response.status.code, headers: headers, body: Data(bytes.readableBytesView))
}

/// Runs a mock data platform for as long as `body` takes.
func withPlatform<R: Sendable>(
    _ platform: MockDataPlatform, _ body: (_ url: String) async throws -> R
) async throws -> R {
    let server = HTTPServer(platform.router(), logger: Fixtures.logger)
    return try await withServices([server], logger: Fixtures.logger) {
        try await body("http://127.0.0.1:\(try await server.port())")
    }
}
#endif

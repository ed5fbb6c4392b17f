#if Example
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

extension MockDataPlatform {
    /// The numbers of a platform in another process, or `nil` where it does not tell them.
    static func stats(at url: String) async -> Stats? {
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        do {
            let request = HTTPClientRequest(url: base + "/mock/stats")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            guard response.status == .ok else { return nil }
            let body = try await response.body.collect(upTo: 65_536)
            return try JSONDecoder().decode(Stats.self, from: Data(body.readableBytesView))
        } catch {
            return nil
        }
    }
}
#endif

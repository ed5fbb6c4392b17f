#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Foundation
import Logging
import Synchronization

struct FixedWallClock: WallClock {
    var date = Date(timeIntervalSince1970: 1_787_393_730.123)
    func now() -> Date { date }
}

enum Fixtures {
    static let secrets = [UInt8(1), 2].compactMap { try? WebhookSecret(bytes: [UInt8](repeating: $0, count: 32)) }
    static let id = EventID("0198d0c2-7b1e-7000-8000-0123456789ab") ?? EventID(UUID())

    static func envelope(
        type: EventType = "order.placed", source: String = "https://shop.example/orders",
        key: String? = "order 7", headers: [String: String] = [:], contentType: String = "application/json"
    ) -> Envelope {
        Envelope(
            id: id, type: type, source: source, time: FixedWallClock().date, orderingKey: key, headers: headers,
            contentType: contentType, payload: .bytes(Data("{\"total\":7}".utf8)))
    }

    /// An attempt that the engine lets run for `timeout`: by default longer than any sink does.
    static func context(
        _ envelope: Envelope = envelope(), subscription: String = "data-platform",
        timeout: Duration = .seconds(3600)
    ) -> DeliveryContext {
        let time = TimeSource(ContinuousClock())
        let common = DeliveryContext.Common(
            subscription: subscription, policy: DeliveryPolicy(timeout: timeout),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), envelopes: EnvelopeFactory(),
            time: time, wallClock: FixedWallClock())
        return DeliveryContext(
            ClaimedDelivery(sequence: 42, envelope: envelope), common: common, started: time.now(),
            emissions: EmissionBuffer())
    }
}

/// DNS as a test wants it: one answer for each lookup, the last one for all that follow.
final class ScriptedResolver: HostResolver {
    private let answers: Mutex<[[String]]>
    private let asked = Mutex<[String]>([])

    init(_ answers: [String]...) {
        self.answers = Mutex(answers)
    }

    /// The hosts that were asked for, in order.
    var lookups: [String] { asked.withLock(\.self) }

    func addresses(of host: String) async throws -> [IPAddress] {
        asked.withLock { $0.append(host) }
        let answer = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? [] }
        return answer.compactMap { IPAddress($0) }
    }
}

/// Runs `body` with a client that is shut down afterwards.
func withClient<R>(
    _ configuration: HTTPClient.Configuration = .patient,
    resolver: any HostResolver = SystemHostResolver(), resolutionLifetime: Duration = .seconds(60),
    _ body: (HTTPDeliveryClient) async throws -> R
) async throws -> R {
    let client = HTTPDeliveryClient(
        configuration: configuration, resolver: resolver, resolutionLifetime: resolutionLifetime)
    do {
        let result = try await body(client)
        try await client.shutdown()
        return result
    } catch {
        try await client.shutdown()
        throw error
    }
}

extension HTTPClient.Configuration {
    /// Gives up later than a machine that is busy with other tests, or slowed down by a sanitizer, needs.
    static var patient: Self { .eventDelivery(connectTimeout: .seconds(60), idleTimeout: .seconds(60)) }
}

extension HTTPEventSinkConfiguration {
    /// As patient, whatever the addresses are.
    static func patient(_ addresses: AddressRules = .publicOnly) -> Self {
        Self(timeout: .seconds(60), addresses: addresses, wallClock: FixedWallClock())
    }

    /// For receivers of tests, which are on loopback.
    static func loopback(_ change: (inout Self) -> Void = { _ in }) -> Self {
        var configuration = patient(.publicOnly.allowing(.loopback))
        change(&configuration)
        return configuration
    }
}

extension HTTPDeliveryClient {
    /// What one delivery ends with; `nil` for a delivered event.
    func outcome(
        url: String, payload: Data = Data("{}".utf8), context: DeliveryContext = Fixtures.context(),
        _ configuration: HTTPEventSinkConfiguration = .loopback()
    ) async throws -> (any Error)? {
        let sink = try HTTPEventSink(client: self, url: url, configuration: configuration)
        do {
            try await sink.send(payload, context: context)
            return nil
        } catch {
            return error
        }
    }
}

/// What one delivery to a receiver that replies so ends with; `nil` for a delivered event.
func outcome(
    of reply: Reply, client: HTTPClient.Configuration = .patient,
    configuration: HTTPEventSinkConfiguration = .loopback()
) async throws -> (any Error)? {
    let receiver = try await Receiver { _ in reply }
    let error = try await withClient(client) { try await $0.outcome(url: receiver.url, configuration) }
    await receiver.stop()
    return error
}

extension Error {
    /// `type`, `retry(seconds) type` or `permanent type`.
    var summary: String {
        func type(_ error: (any Error)?) -> String {
            (error as? any DeliveryFailureDescribing)?.failureType ?? String(describing: error)
        }
        guard let outcome = self as? HandlerOutcome else { return type(self) }
        return switch outcome.kind {
        case .retry(let delay, let cause): "retry(\(delay.components.seconds)) \(type(cause))"
        case .permanent(let error): "permanent \(type(error))"
        default: outcome.description
        }
    }
}
#endif

#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing
import TestSupport

@Suite("TLS", .timeLimit(.minutes(5)))
struct TLSTests {
    private func broker(_ queue: TestQueue, _ parameters: String = "") throws -> RabbitMQConfiguration {
        try RabbitMQConfiguration(queue.server.encryptedURL() + parameters)
    }

    private func outcome(_ queue: TestQueue, _ broker: RabbitMQConfiguration) async throws -> SendOutcome? {
        let sink = try RabbitMQEventSink(
            broker, configuration: .init(exchange: queue.exchange, topology: queue.topology()))
        let outcome = await sink.send(try Outgoing.events(1)).first
        await sink.close()
        return outcome
    }

    @Test("events go both ways when the authority is known")
    func trusted() async throws {
        let queue = try await TestQueue.shared()
        let broker = try broker(queue, "?cacertfile=\(queue.server.certificate)")
        let sink = try RabbitMQEventSink(
            broker, configuration: .init(exchange: queue.exchange, topology: queue.topology()))
        // Many records, and more in one than a read takes.
        let payload = Data(repeating: 7, count: 100_000)
        #expect(await sink.send(try Outgoing.events(50, payload: payload)).allSatisfy(\.isSent))
        let source = try RabbitMQEventSource(broker, configuration: .init(queue: queue.name), logger: silent)
        #expect(try await source.take(50).allSatisfy { $0.body == payload })
        await sink.close()
        await source.close()
    }

    @Test("a certificate that nobody known has signed is refused")
    func untrusted() async throws {
        let queue = try await TestQueue.shared()
        // The system's authorities have not signed it.
        #expect(try await outcome(queue, broker(queue))?.error?.code == .tls)
        let other = try await onOwnThread("openssl") { try OtherAuthority() }
        let error = try await outcome(queue, broker(queue, "?cacertfile=\(other.path)"))?.error
        #expect(error?.failureType == "rabbitmq.tls")
    }

    @Test("a certificate of another host is refused")
    func host() async throws {
        let queue = try await TestQueue.shared()
        var broker = try broker(queue, "?cacertfile=\(queue.server.certificate)")
        broker.hosts = broker.hosts.map { .init("127.0.0.1", port: $0.port) }
        #expect(try await outcome(queue, broker)?.error?.code == .tls)
        broker.tls?.verifiesHost = false
        #expect(try await outcome(queue, broker)?.isSent == true)
    }

    @Test("nothing is checked only where that was asked for")
    func unchecked() async throws {
        let queue = try await TestQueue.shared()
        #expect(try await outcome(queue, broker(queue, "?verify=verify_none"))?.isSent == true)
    }

    @Test("a port without TLS is never spoken to in the clear")
    func plain() async throws {
        let queue = try await TestQueue.shared()
        var broker = try queue.broker()
        broker.tls = .init(verifiesCertificate: false, verifiesHost: false)
        broker.connectTimeout = .seconds(3)
        let error = try await outcome(queue, broker)?.error
        #expect(error?.code == .tls || error?.code == .unreachable)
        // And the other way round.
        var other = try self.broker(queue, "?verify=verify_none")
        other.tls = nil
        other.connectTimeout = .seconds(3)
        #expect(try await outcome(queue, other)?.error?.code == .unreachable)
    }
}

/// A certificate that has nothing to do with the server's.
private final class OtherAuthority: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "aftercommit-\(UUID()).crt"
        let openssl = try ChildProcess(
            [
                "/usr/bin/openssl", "req", "-new", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-keyout", "/dev/null", "-out", path,
            ], output: .discarded)
        guard openssl.waitUntilEnded() == 0 else { throw NothingThrown() }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
#endif

#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Synchronization
import Testing
import TestSupport
#if canImport(Glibc)
import Glibc
#endif

@Suite("A broker that is away", .timeLimit(.minutes(5)))
struct AwayTests {
    private func sink(port: Int, timeout: Duration = .seconds(2), backoff: Backoff) throws -> RabbitMQEventSink {
        let broker = RabbitMQConfiguration(hosts: [.init("127.0.0.1", port: port)], connectTimeout: timeout)
        return try RabbitMQEventSink(broker, configuration: .init(exchange: "e", backoff: backoff))
    }

    @Test("sends fail at once between two tries to connect, and tries are as far apart as was asked for")
    func backoff() async throws {
        let listener = try Listener(answering: false)
        let sink = try sink(port: listener.port, backoff: .constant(.seconds(3_600)))
        for _ in 0..<200 {
            let outcomes = await sink.send(try Outgoing.events(2))
            #expect(outcomes.allSatisfy { $0.error?.code == .unreachable })
        }
        #expect(listener.accepted == 1)
        await sink.close()
    }

    /// It keeps what was freed for a while, to find who still uses it.
    private static let hasAddressSanitizer = dlsym(nil, "__asan_init") != nil

    @Test("memory stays flat while it is away", .disabled(if: hasAddressSanitizer))
    func memory() async throws {
        // Port 1 is nobody's.
        let sink = try sink(port: 1, backoff: .constant(.milliseconds(1)))
        let events = try Outgoing.events(500, payload: Data(repeating: 7, count: 4_000))
        for _ in 0..<20 { _ = await sink.send(events) }
        let before = try residentBytes()
        for _ in 0..<500 {
            let failed = await sink.send(events).allSatisfy { $0.error?.code == .unreachable }
            #expect(failed)
        }
        // A quarter of a million messages went by, of a kilobyte each beside the payload. Other tests run beside this one.
        #expect(try await eventually { try residentBytes() - before < 100_000_000 })
        await sink.close()
    }

    @Test("who is cancelled returns though the thread waits for a silent broker")
    func cancelled() async throws {
        let listener = try Listener(answering: true)
        // Longer than this test may take.
        let sink = try sink(port: listener.port, timeout: .seconds(3_600), backoff: .constant(.seconds(1)))
        let sending = Task { await sink.send(try Outgoing.events(2)) }
        #expect(try await eventually { listener.accepted == 1 })
        sending.cancel()
        #expect(try await sending.value.allSatisfy { $0.error?.code == .cancelled })
        listener.hangUp()
        // One that is cancelled before it begins.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await sink.send(try Outgoing.events(1))
        }
        #expect(try await late.value.first?.error?.code == .cancelled)
        await sink.close()
        #expect(await sink.send(try Outgoing.events(1)).first?.error?.code == .closed)
    }

    @Test("nobody to be found under a name, and one that is no broker")
    func others() async throws {
        let broker = RabbitMQConfiguration(hosts: [.init("nowhere.invalid")], connectTimeout: .seconds(2))
        let sink = try RabbitMQEventSink(broker, configuration: .init(exchange: "e"))
        #expect(await sink.send(try Outgoing.events(1)).first?.error?.code == .unreachable)
        await sink.close()
        let source = try RabbitMQEventSource(broker, configuration: .init(queue: "q"), logger: silent)
        #expect(try await rabbitMQError { _ = try await source.receive(upTo: 1) }.code == .unreachable)
        await source.close()
        #expect(try await rabbitMQError { _ = try await source.receive(upTo: 1) }.code == .closed)
    }

    @Test("the next host of a list is tried")
    func hosts() async throws {
        let queue = try await TestQueue.shared()
        let broker = try queue.broker { $0.hosts.insert(.init("127.0.0.1", port: 1), at: 0) }
        let sink = try RabbitMQEventSink(
            broker, configuration: .init(exchange: queue.exchange, topology: queue.topology()))
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        await sink.close()
    }

    @Test("an idle connection is kept, and one that was ended is replaced without a failure")
    func idle() async throws {
        let queue = try await TestQueue.shared()
        let sink = try RabbitMQEventSink(
            queue.broker { $0.heartbeat = .seconds(1) },
            configuration: .init(exchange: queue.exchange, topology: queue.topology()))
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let before = try await queue.connections()
        #expect(before.count == 1)
        // The broker gives up after two seconds of silence.
        try await Task.sleep(for: .seconds(5))
        #expect(try await queue.connections() == before)
        try await queue.closeConnections()
        #expect(try await eventually { try await queue.connections().isEmpty })
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        await sink.close()
    }

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
    }
}

/// Accepts connections, and hangs up at once or never says a word.
final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let count = Atomic(0)
    private let clients = Locked<[Int32]>([])

    init(answering: Bool) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isListening else { throw SystemError("listen") }
        descriptor = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                if answering { self?.clients.withLock { $0.append(client) } } else { close(client) }
                self?.count.add(1, ordering: .relaxed)
            }
            // Here, and not where it is let go: the number may be another's by then.
            close(listener)
        }.start()
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        hangUp()
    }

    /// Ends the connections that are open.
    func hangUp() {
        for client in clients.withLock({ clients in
            defer { clients = [] }
            return clients
        }) { close(client) }
    }

    var accepted: Int { count.load(ordering: .relaxed) }
}
#endif

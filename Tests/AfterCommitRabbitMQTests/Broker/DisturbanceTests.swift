#if RabbitMQ
import AfterCommit
import AfterCommitLMDB
@testable import AfterCommitRabbitMQ
import Foundation
import Synchronization
import Testing
import TestSupport

/// One after another: each disturbs the whole server.
@Suite("A broker that is disturbed", .serialized, .timeLimit(.minutes(8)))
struct DisturbanceTests {
    @Test("restarted in the middle of publishing, it has seen each event once or twice and never not at all (fault 32)")
    func restarted() async throws {
        let queue = try await TestQueue.disturbed()
        let sink = try queue.sink()
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        let publishing = Publishing(sink)
        let tasks = (0..<2).map { _ in Task { try await publishing.run() } }
        #expect(try await eventually { publishing.count > 200 })
        try await onOwnThread("restart") { try queue.server.restart() }
        let before = publishing.count
        #expect(try await eventually { publishing.count > before + 200 })
        publishing.stop()
        var tries: [EventID: Int] = [:]
        for task in tasks { tries.merge(try await task.value) { $1 } }
        #expect(tries.values.contains { $0 > 1 }, "nothing was under way when it was restarted")
        let source = try queue.source()
        var seen: [EventID: Int] = [:]
        while seen.count < tries.count + 1 {
            for message in try await source.take(1) {
                let id = try #require(message.attributes["id"].flatMap { EventID($0) })
                seen[id, default: 0] += 1
            }
        }
        #expect(tries.allSatisfy { id, tries in (1...tries).contains(seen[id] ?? 0) })
        await sink.close()
        await source.close()
    }

    @Test("an engine delivers everything over a restart, from a broker that is away at the start")
    func engine() async throws {
        let queue = try await TestQueue.disturbed()
        let path = NSTemporaryDirectory() + "aftercommit-\(UUID()).lmdb"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let storage = try LMDBStorage(path: path)
        let sink = try queue.sink()
        let policy = DeliveryPolicy(
            maxRetries: 500, backoff: .constant(.milliseconds(200)), timeout: .seconds(10), concurrency: 4)
        try await onOwnThread("stop") { try queue.server.stop() }
        let engine = try await EventEngine(
            storage: storage, logger: silent,
            subscriptions: [Subscription("relay", to: OrderPlaced.self, policy: policy, sink: sink)])
        let running = Task { try await engine.run() }
        for number in 0..<300 { try await engine.emit(OrderPlaced(number: number)) }
        try await onOwnThread("start") { try queue.server.start() }
        let source = try queue.source(topology: queue.topology())
        var seen: Set<Int> = []
        func take(until count: Int) async throws {
            while seen.count < count {
                let messages: [IncomingMessage]
                do {
                    messages = try await source.take(1)
                } catch is RabbitMQError {
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                for message in messages {
                    let event = try message.cloudEvent()
                    seen.insert(try JSONDecoder().decode(OrderPlaced.self, from: event.data).number)
                }
            }
        }
        try await take(until: 300)
        try await onOwnThread("restart") { try queue.server.restart() }
        for number in 300..<400 { try await engine.emit(OrderPlaced(number: number)) }
        try await take(until: 400)
        #expect(seen == Set(0..<400))
        running.cancel()
        _ = await running.result
        await sink.close()
        await source.close()
        await storage.close()
    }

    @Test("while it is short of memory sends fail at once, and what was written is confirmed when it has room again")
    func blocked() async throws {
        let queue = try await TestQueue.disturbed()
        let sink = try queue.sink()
        #expect(await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent))
        _ = try await queue.control("set_vm_memory_high_watermark", "absolute", "1")
        // The broker says so when it gets the next message, which it keeps until it has room.
        let few = try Outgoing.events(3)
        let hasBegun = Atomic(false)
        let waiting = Task {
            hasBegun.store(true, ordering: .relaxed)
            return await sink.send(few)
        }
        // One that comes behind the large ones may find it blocked already.
        while !hasBegun.load(ordering: .relaxed) { await Task.yield() }
        // More than any socket takes.
        let payload = Data(repeating: 7, count: 2_000_000)
        let large = (0..<20).map { _ in Task { await sink.send(try Outgoing.events(3, payload: payload)) } }
        #expect(
            try await eventually {
                let sending = Task { await sink.send(try Outgoing.events(1)) }
                let patience = Task {
                    try await Task.sleep(for: .seconds(2))
                    sending.cancel()
                }
                defer { patience.cancel() }
                return try await sending.value.first?.error?.failureType == "rabbitmq.blocked"
            })
        for _ in 0..<100 {
            let outcomes = await sink.send(try Outgoing.events(5))
            #expect(outcomes.allSatisfy { $0.error?.code == .blocked })
        }
        // One whose connection has no room left can be closed.
        let closing = try queue.sink(topology: RabbitMQTopology.none)
        let filling = (0..<10).map { _ in Task { await closing.send(try Outgoing.events(3, payload: payload)) } }
        await closing.close()
        for sending in filling { #expect(try await sending.value.allSatisfy { !$0.isSent }) }
        // One that waits can leave.
        large[0].cancel()
        _ = try await large[0].value
        _ = try await queue.control("set_vm_memory_high_watermark", "absolute", "2GB")
        #expect(await waiting.value.allSatisfy(\.isSent))
        for sending in large { _ = try await sending.value }
        #expect(
            try await eventually { await sink.send(try Outgoing.events(1)).allSatisfy(\.isSent) })
        await sink.close()
    }

    @Test("a source whose broker is away says so, and goes on when it is back")
    func source() async throws {
        let queue = try await TestQueue.disturbed()
        let sink = try queue.sink()
        #expect(await sink.send(try Outgoing.events(10)).allSatisfy(\.isSent))
        let source = try queue.source()
        let first = try await source.take(4, outcome: nil)
        try await source.settle(first.prefix(2).map { MessageSettlement($0.receipt, .accepted) })
        let waiting = Task { try await source.take(7, outcome: nil) }
        try await onOwnThread("stop") { try queue.server.stop() }
        await #expect(throws: RabbitMQError.self) { _ = try await waiting.value }
        #expect(try await rabbitMQError { _ = try await source.receive(upTo: 1) }.code == .unreachable)
        // Of a connection that has ended: left out.
        try await source.settle(first.suffix(2).map { MessageSettlement($0.receipt, .accepted) })
        try await onOwnThread("start") { try queue.server.start() }
        let again = try await source.take(8)
        #expect(
            Set(again.compactMap { $0.attributes["id"] }).isSuperset(
                of: first.suffix(2).compactMap { $0.attributes["id"] }))
        #expect(again.allSatisfy { $0.receipt.channel != first[0].receipt.channel })
        await source.close()
        await sink.close()
    }
}

/// Sends each event until it is sent, as the engine does.
private final class Publishing: Sendable {
    private let sink: RabbitMQEventSink
    private let sent = Atomic(0)
    private let isOver = Atomic(false)

    init(_ sink: RabbitMQEventSink) {
        self.sink = sink
    }

    var count: Int { sent.load(ordering: .relaxed) }
    func stop() { isOver.store(true, ordering: .releasing) }

    /// - Returns: how often each was tried.
    func run() async throws -> [EventID: Int] {
        var tries: [EventID: Int] = [:]
        while !isOver.load(ordering: .acquiring) {
            var events = try Outgoing.events(20)
            while !events.isEmpty {
                for event in events { tries[event.context.eventID, default: 0] += 1 }
                let outcomes = await sink.send(events)
                events = zip(events, outcomes).filter { !$1.isSent }.map(\.0)
                if !events.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
            }
            sent.add(20, ordering: .relaxed)
        }
        return tries
    }
}

struct OrderPlaced: Event, Hashable {
    static let type: EventType = "order.placed"
    var number: Int
}
#endif

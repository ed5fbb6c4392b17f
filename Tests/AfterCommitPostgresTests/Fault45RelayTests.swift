#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

/// Fault 45: several relays on one outbox, one of them past its lease.
@Suite struct Fault45RelayTests {
    @Test func aRelayPastItsLeaseIsRefused() async throws {
        let database = try await TestDatabase()
        let paused = try await database.storage()
        let second = try await database.storage()
        let registration = SubscriptionRegistration(
            name: "test", types: EventTypeSelection(types: [OrderPlaced.type]))
        let changes = Kept<StorageChange>()
        try await paused.attachWhole([registration]) { changes.append($0) }
        try await paused.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0, orderingKey: "key") })
        let request = ClaimRequest(subscription: "test", limit: 10, now: Date())
        let claimed = try await paused.claim(request).deliveries.map(\.sequence)
        #expect(claimed.count == 3)
        // It is stopped for longer than its lease, as far as the others can tell.
        try await database.run { session in
            try session.execute("UPDATE outbox_relays SET expires = clock_timestamp() - interval '1 second'")
            _ = try session.execute("SELECT outbox_reap()")
        }
        let handler = RecordingHandler<OrderPlaced>()
        let subscription = Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }
        try await running(second, [subscription]) { engine in
            try await engine.drain()
            #expect(handler.calls.map(\.event.number) == [0, 1, 2])
            #expect(handler.calls.map(\.context.attempt) == [1, 1, 1])
            // It goes on.
            let late = try await paused.settle(SettlementBatch(subscription: "test", delivered: claimed))
            #expect(late.stale.sorted() == claimed)
            #expect(try await paused.claim(request).deliveries.isEmpty)
            #expect(changes.values.contains { $0.contains(.leasesLost) })
            // It has a new lease.
            try await paused.emit(OrderPlaced(number: 3, orderingKey: "key"))
            try await engine.drain()
            #expect(handler.calls.count + (try await paused.claim(request).deliveries.count) >= 4)
        }
        await paused.close()
        await second.close()
    }

    @Test func anEngineLetsGoOfWhatIsLost() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let latch = Latch()
        let handler = RecordingHandler<OrderPlaced> { _, _ in
            // The first attempt does not end before its lease has.
            await latch.wait()
        }
        let subscription = Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }
        try await running(storage, [subscription]) { engine in
            try await storage.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0, orderingKey: "key") })
            await handler.waitForCalls(1)
            try await database.run { session in
                try session.execute("UPDATE outbox_relays SET expires = clock_timestamp() - interval '1 second'")
                _ = try session.execute("SELECT outbox_reap()")
            }
            // Whatever wakes it, it finds out.
            try await storage.emit(OrderPlaced(number: 3, orderingKey: "key"))
            let isLost = try await eventually { try await engine.status().first?.totals.lostLeases ?? 0 > 0 }
            #expect(isLost)
            latch.open()
            try await engine.drain()
            let last = Dictionary(handler.calls.map { ($0.event.number, $0.context.attempt) }, uniquingKeysWith: { $1 })
            #expect(last == [0: 1, 1: 1, 2: 1, 3: 1])
        }
        await storage.close()
    }

    @Test func whatAClaimFindsWhileItsRelayEndsIsGivenBack() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let registration = SubscriptionRegistration(
            name: "test", types: EventTypeSelection(types: [OrderPlaced.type]))
        try await storage.attachWhole([registration])
        try await storage.emit(contentsOf: (0..<3).map { OrderPlaced(number: $0) })
        let isLocked = Latch()
        let goOn = Signal()
        let locking = Task {
            try await database.run { session in
                try session.execute("BEGIN")
                try session.execute("LOCK TABLE outbox_deliveries IN ACCESS EXCLUSIVE MODE")
                isLocked.open()
                goOn.wait()
                try session.commit([])
            }
        }
        await isLocked.wait()
        func isWaiting(_ statement: String) async throws -> Bool {
            try await eventually {
                try await database.run { session in
                    try !session.execute(
                        "SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock' AND query LIKE $2",
                        [.text(database.name), .text("%\(statement)%")]
                    ).isEmpty
                }
            }
        }
        let claiming = Task {
            try await storage.claim(ClaimRequest(subscription: "test", limit: 10, now: Date())).deliveries.count
        }
        #expect(try await isWaiting("outbox_claim("))
        storage.detach()
        #expect(try await isWaiting("DELETE FROM outbox_relays"))
        goOn.raise()
        try await locking.value
        #expect(try await claiming.value == 3)
        await storage.close()
        let held = try await database.run {
            try $0.execute("SELECT FROM outbox_deliveries WHERE epoch IS NOT NULL").count
        }
        #expect(held == 0)
    }

    @Test func manyRelaysDeliverEachEventOnceAndEachKeyInOrder() async throws {
        let database = try await TestDatabase()
        let relays = [try await database.storage(), try await database.storage(), try await database.storage()]
        let handler = RecordingHandler<OrderPlaced> { event, context in
            // Some are tried again, so that keys go from relay to relay.
            if event.number % 7 == 0, context.attempt == 1 { throw HandlerOutcome.retry(after: .milliseconds(5)) }
        }
        let policy = DeliveryPolicy(backoff: .constant(.milliseconds(5)), concurrency: 8)
        // A breaker that opens for longer and longer would hold up what its relay has in hand.
        let endpoint = Endpoint("test", breaker: nil)
        let subscription = Subscription("test", to: OrderPlaced.self, policy: policy, endpoint: endpoint) {
            try await handler($0, $1)
        }
        let engines = try await relays.asyncMap {
            try await EventEngine(storage: $0, logger: silent, subscriptions: [subscription])
        }
        #expect(try await relays[0].areActive())
        let tasks = engines.map { engine in Task { try await engine.run() } }
        let count = 1_200
        for start in stride(from: 0, to: count, by: 100) {
            try await relays[0].emit(
                contentsOf: (start..<start + 100).map { OrderPlaced(number: $0, orderingKey: "key-\($0 % 20)") })
        }
        let isDone = try await eventually {
            try await relays[0].counts(subscription: "test") == DeliveryCounts()
        }
        #expect(isDone)
        #expect(try await relays[0].counts(subscription: "test") == DeliveryCounts())
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
        let succeeded = handler.calls.filter { $0.event.number % 7 != 0 || $0.context.attempt == 2 }.map(\.event)
        #expect(succeeded.count == count)
        for key in 0..<20 {
            let numbers = succeeded.filter { $0.orderingKey == "key-\(key)" }.map(\.number)
            #expect(numbers == numbers.sorted())
        }
        for relay in relays { await relay.close() }
    }
}

/// Keeps what it is told, in order.
private final class Kept<Value: Sendable>: Sendable {
    private let state = Mutex<[Value]>([])
    var values: [Value] { state.withLock { $0 } }
    func append(_ value: Value) { state.withLock { $0.append(value) } }
}

extension Array {
    func asyncMap<R>(_ transform: (Element) async throws -> R) async rethrows -> [R] {
        var results: [R] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
#endif

import AfterCommit
import Logging

struct Measured: Event {
    static let type: EventType = "measured"
    var number: Int
}

enum MemoryRates {
    static func measure() async throws -> [Rate] {
        [
            try await emitToHandled(subscriptions: 1, count: 1_000_000),
            try await emitToHandled(subscriptions: 10, count: 200_000),
        ]
    }

    /// One task emits one event after another; the clock stops when the last one is handled and settled.
    static func emitToHandled(subscriptions: Int, count: Int) async throws -> Rate {
        let storage = InMemoryStorage()
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "benchmark"),
            subscriptions: (1...subscriptions).map { number in
                Subscription("handler-\(number)", to: Measured.self) { _, _ in }
            })
        let running = Task { try await engine.run() }
        let rate = try await Rate.measure(
            "in memory, emit to handled, \(subscriptions) subscriptions", count: count
        ) {
            for number in 0..<count { try await engine.emit(Measured(number: number)) }
            try await engine.drain()
        }
        for status in try await engine.status() where status.totals.delivered != count {
            throw BenchmarkError.notDelivered(status.totals.delivered, of: count)
        }
        running.cancel()
        try await running.value
        return rate
    }
}

enum BenchmarkError: Error {
    case notDelivered(Int, of: Int)
}

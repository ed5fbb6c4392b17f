import AfterCommit
import Logging

struct Measured: Event {
    static let type: EventType = "measured"
    var number: Int
}

enum MemoryRates {
    static func measure(_ wanted: String) async throws -> [Rate] {
        var rates: [Rate] = []
        for (subscriptions, count) in [(1, 1_000_000), (10, 200_000)]
        where Self.line(subscriptions).matches(wanted) {
            rates.append(try await emitToHandled(subscriptions: subscriptions, count: count))
        }
        return rates
    }

    private static func line(_ subscriptions: Int) -> String {
        "in memory, emit to handled, \(subscriptions) subscriptions"
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
        let rate = try await Rate.measure(line(subscriptions), count: count) {
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

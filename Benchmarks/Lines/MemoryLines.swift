import AfterCommit

struct Measured: Event {
    static let type: EventType = "measured"
    var number: Int
}

/// In memory: one task emits one event after another; the clock stops when the last one is handled and settled.
/// Attempts have the default deadline.
struct MemoryLines: Chapter {
    private static let kinds = [
        (
            line: Line(
                "in memory, emit to handled, 1 subscription", .eventsPerSecond, goal: .atLeast(1_000_000)),
            subscriptions: 1, count: 1_000_000
        ),
        (
            line: Line(
                "in memory, emit to handled, 10 subscriptions", .eventsPerSecond, goal: .atLeast(300_000)),
            subscriptions: 10, count: 200_000
        ),
    ]

    let lines = kinds.map(\.line)

    func round() async throws -> [Sample] {
        var samples: [Sample] = []
        for kind in Self.kinds {
            let rate = try await Self.emitToHandled(subscriptions: kind.subscriptions, count: kind.count)
            samples.append(Sample(kind.line, rate))
        }
        return samples
    }

    static func emitToHandled(subscriptions: Int, count: Int) async throws -> Double {
        let running = try await RunningEngine(
            InMemoryStorage(),
            (1...subscriptions).map { number in
                Subscription("handler-\(number)", to: Measured.self) { _, _ in }
            })
        let engine = running.engine
        let rate = try await rate(count) {
            for number in 0..<count { try await engine.emit(Measured(number: number)) }
            try await engine.drain()
        }
        for status in try await engine.status() where status.totals.delivered != count {
            throw BenchmarkError("\(status.name) got \(status.totals.delivered) of \(count) events")
        }
        try await running.stop()
        return rate
    }
}

import DequeModule

/// Whether a batch has waited long enough for company. A pure value.
package struct BatchCompany: Sendable {
    private struct Arrival {
        var count: Int
        let at: Duration
    }

    private let batch: BatchSize
    private var arrivals: Deque<Arrival> = []

    package init(_ batch: BatchSize) {
        self.batch = batch
    }

    private var waits: Bool { batch.size > 1 && batch.within > .zero }

    package mutating func add(_ count: Int, at now: Duration) {
        if waits { arrivals.append(Arrival(count: count, at: now)) }
    }

    /// Forgets the first `count`.
    package mutating func take(_ count: Int) {
        var count = count
        while count > 0, let first = arrivals.first {
            guard first.count <= count else {
                arrivals[0].count -= count
                return
            }
            count -= first.count
            arrivals.removeFirst()
        }
    }

    /// Whether a batch of `ready` deliveries may begin now.
    package func isComplete(ready: Int, now: Duration) -> Bool {
        ready > 0 && waitsUntil(ready: ready, now: now) == nil
    }

    /// Until when `ready` deliveries wait for more, if they do.
    package func waitsUntil(ready: Int, now: Duration) -> Duration? {
        guard waits, ready > 0, ready < batch.size, let first = arrivals.first else { return nil }
        let until = first.at + batch.within
        return until > now ? until : nil
    }
}

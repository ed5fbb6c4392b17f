/// How many deliveries a lane takes at once. A pure value.
///
/// Taking many spares the lanes a fight for the queue's lock; it pays only while handlers are fast. What a lane has
/// taken and not begun is no one's yet: idle lanes take it back as soon as they look.
package struct LaneShare: Sendable, Equatable {
    /// The most that a lane takes at once.
    package static let most = 32
    /// Attempts that took less are fast.
    package static let fast = Duration.microseconds(50)

    /// Whether the last attempt was fast.
    package private(set) var isFast = false

    package init() {}

    package mutating func ended(after duration: Duration) {
        isFast = duration < Self.fast
    }

    /// How many of `ready` deliveries to take: half of them, so that another lane finds some too.
    package func count(ready: Int) -> Int {
        isFast ? min(Self.most, (ready + 1) / 2) : min(1, ready)
    }

    /// How many idle lanes to wake for `unbegun` deliveries, where `woken` lanes have not looked yet.
    ///
    /// Slow handlers need a lane each, at once. Fast ones need one more lane; it wakes the next if it finds work too.
    package func wakes(unbegun: Int, idle: Int, woken: Int) -> Int {
        let wanted = isFast ? min(1, unbegun) : unbegun
        return max(0, min(idle, wanted - woken))
    }
}

package import Foundation

/// Notices that the wall clock jumped: what it and the steady clock say of the time between two looks differs too much.
/// A pure value.
package struct ClockWatch: Sendable {
    /// Smaller differences are corrections, as a time server makes them.
    package static let tolerance: TimeInterval = 60

    private var last: (now: Duration, date: Date)?

    package init() {}

    /// - Returns: by how many seconds the wall clock jumped since the last look, forwards or backwards; `nil` for none.
    package mutating func look(now: Duration, date: Date) -> TimeInterval? {
        defer { last = (now, date) }
        guard let last else { return nil }
        let jump = date.timeIntervalSince(last.date) - (now - last.now).timeInterval
        return abs(jump) > Self.tolerance ? jump : nil
    }
}

/// One watch for all workers of an engine, so that a jump is told once.
package final class SharedClockWatch: Sendable {
    private let watch = Locked(ClockWatch())

    package init() {}

    func look(now: Duration, date: Date) -> TimeInterval? {
        watch.withLock { $0.look(now: now, date: date) }
    }
}

public import Foundation

#if canImport(Glibc)
// Which of the two is taken for the home of `timespec` depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Tells the date. Due dates, event times and dead letters are dated by it; deadlines are not.
public protocol WallClock: Sendable {
    func now() -> Date
}

/// The system's own date.
public struct SystemWallClock: WallClock {
    public init() {}

    public func now() -> Date {
        var time = timespec()
        // CLOCK_REALTIME with a valid pointer cannot fail (POSIX clock_gettime).
        clock_gettime(CLOCK_REALTIME, &time)
        return Date(
            timeIntervalSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000)
    }
}

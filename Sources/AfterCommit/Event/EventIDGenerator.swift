package import Foundation

/// Makes UUIDs of version 7 that never go backwards, even when the wall clock does.
///
/// Within one millisecond a 12-bit counter orders them (RFC 9562, section 6.2, method 1); when it is
/// used up, or the clock stands still or goes back, the timestamp runs ahead of the clock.
public final class EventIDGenerator: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
        var random: Random
    }

    /// The usual generator by its type: through an existential each number takes several times as long.
    private enum Random: Sendable {
        case usual(Xoshiro256)
        case other(any RandomNumberGenerator & Sendable)

        init(_ random: any RandomNumberGenerator & Sendable) {
            self = if let usual = random as? Xoshiro256 { .usual(usual) } else { .other(random) }
        }

        mutating func next() -> UInt64 {
            switch self {
            case .usual(var random):
                defer { self = .usual(random) }
                return random.next()
            case .other(var random):
                defer { self = .other(random) }
                return random.next()
            }
        }
    }

    private let wallClock: any WallClock
    private let state: Locked<State>

    /// - Parameters:
    ///   - wallClock: where the timestamp comes from.
    ///   - random: fills the 62 random bits. The default is seeded from the system.
    public init(
        wallClock: any WallClock = SystemWallClock(),
        random: any RandomNumberGenerator & Sendable = Xoshiro256.seededFromSystem()
    ) {
        self.wallClock = wallClock
        state = Locked(State(random: Random(random)))
    }

    /// The next id, greater than every id this generator made before.
    public func next() -> EventID {
        next(at: wallClock.now())
    }

    package func next(at date: Date) -> EventID {
        let now = UInt64(max(0, date.timeIntervalSince1970 * 1000))
        return state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                state.counter = 0
            } else {
                state.counter += 1
                if state.counter > 0xFFF {
                    state.milliseconds += 1
                    state.counter = 0
                }
            }
            let low = (state.random.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
            return EventID(high: state.milliseconds << 16 | 0x7000 | state.counter, low: low)
        }
    }

    /// Makes every further id greater than `id`: a storage calls it with its newest event when it opens.
    package func advance(past id: EventID) {
        state.withLock { state in
            guard id.milliseconds >= state.milliseconds else { return }
            state.milliseconds = id.milliseconds
            state.counter = 0xFFF
        }
    }
}

public import AfterCommit
public import Foundation

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// let engine = try await EventEngine(
///     storage: storage, logger: logger, clock: clock, wallClock: clock.wallClock, subscriptions: [...])
/// ...
/// try await engine.waitUntilIdle()
/// clock.advance(by: .seconds(1))
/// ```
public final class ManualClock: Clock {
    public struct Instant: InstantProtocol {
        /// Time since the clock was made.
        public let offset: Duration

        public func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        public func duration(to other: Self) -> Duration { other.offset - offset }
        public static func < (a: Self, b: Self) -> Bool { a.offset < b.offset }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// Waits for a sleeper.
    private struct Observer {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: Sleeper] = [:]
        var observers: [Observer] = []
        var lastID = 0
    }

    private let state = Locked(State())

    /// The date that moves along with this clock.
    public let wallClock: ManualWallClock

    public init(date: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        wallClock = ManualWallClock(date: date)
    }

    public var now: Instant { state.withLock { $0.now } }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves time forward and wakes those whose time has come. The wall clock moves as far.
    public func advance(by duration: Duration) {
        wallClock.advance(by: duration)
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// The moments that someone sleeps until now, the earliest first.
    public var sleepers: [Instant] {
        state.withLock { $0.sleepers.values.map(\.deadline).sorted() }
    }

    /// Waits until someone sleeps until `deadline` exactly: what was to arm that timer has then happened.
    public func waitForSleeper(until deadline: Instant) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.values.contains(where: { $0.deadline == deadline }) { return true }
                state.observers.append(Observer(deadline: deadline, continuation: continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isOver, observers) = state.withLock { state -> (Bool, [Observer]) in
                    guard deadline > state.now, !Task.isCancelled else { return (true, []) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    let observers = state.observers.filter { $0.deadline == deadline }
                    state.observers.removeAll { $0.deadline == deadline }
                    return (false, observers)
                }
                for observer in observers { observer.continuation.resume() }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        try Task.checkCancellation()
    }
}

/// A date that stands still until a test moves it, forwards or backwards.
public final class ManualWallClock: WallClock {
    private let date: Locked<Date>

    public init(date: Date) {
        self.date = Locked(date)
    }

    public func now() -> Date { date.withLock { $0 } }

    public func advance(by duration: Duration) {
        date.withLock { $0 += duration / .seconds(1) }
    }
}

import Synchronization

/// A clock that stands still until it is moved past everything that sleeps on it.
final class DeadlineClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        func duration(to other: Self) -> Duration { other.offset - offset }
        static func < (a: Self, b: Self) -> Bool { a.offset < b.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var expired = false
        var sleepers: [CheckedContinuation<Void, any Error>] = []
    }

    private let state = Mutex(State())
    let deadlines: AsyncStream<Duration>
    private let deadlineFeed: AsyncStream<Duration>.Continuation

    init() {
        (deadlines, deadlineFeed) = AsyncStream.makeStream()
    }

    var now: Instant { state.withLock(\.now) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        deadlineFeed.yield(deadline.offset)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let expired = state.withLock { state in
                    if !state.expired { state.sleepers.append(continuation) }
                    return state.expired
                }
                if expired { continuation.resume() }
            }
        } onCancel: {
            expire()
        }
    }

    /// Ends every sleep, now and later.
    func expire() {
        let sleepers = state.withLock { state in
            state.expired = true
            defer { state.sleepers = [] }
            return state.sleepers
        }
        for sleeper in sleepers { sleeper.resume() }
    }
}

/// An injected clock with its type erased: instants are durations since its making.
package struct TimeSource: Sendable {
    private let elapsed: @Sendable () -> Duration
    private let sleepUntil: @Sendable (Duration) async throws -> Void

    package init<C: Clock<Duration>>(_ clock: C) {
        let origin = clock.now
        if let clock = clock as? ContinuousClock, let origin = origin as? ContinuousClock.Instant {
            // Read for each attempt: worth knowing the type.
            elapsed = { origin.duration(to: clock.now) }
        } else {
            elapsed = { origin.duration(to: clock.now) }
        }
        sleepUntil = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }

    package func now() -> Duration { elapsed() }

    package func sleep(until instant: Duration) async throws {
        try await sleepUntil(instant)
    }
}

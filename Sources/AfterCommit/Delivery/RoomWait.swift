/// When a subscription tries again whose handlers a full storage has refused, and which delivery is at fault itself.
///
/// Nobody is charged while nothing fits. A delivery that is refused again and again while others are stored is charged, so
/// that one which never fits does not stop the others for good. A pure value.
package struct RoomWait: Sendable {
    private var failures = ProbeFailures()
    private var refusals = 0
    private var until: Duration?

    package init() {}

    /// Whether something was refused and not stored since.
    package var isWaiting: Bool { failures.count > 0 }

    /// A handler found no room.
    /// - Returns: when to try again; `nil` where the delivery is to be charged.
    package mutating func refused(_ sequence: UInt64, now: Duration) -> Duration? {
        if failures.failed(sequence) { return nil }
        // Those that ran beside each other are one refusal.
        if let until, until > now { return until }
        refusals += 1
        let until = now + WorkerState.pause(afterFailures: refusals)
        self.until = until
        return until
    }

    /// A handler's writes were stored.
    package mutating func stored(_ sequence: UInt64) {
        refusals = 0
        until = nil
        failures.succeeded(sequence)
    }

    /// The delivery has ended otherwise.
    package mutating func forget(_ sequence: UInt64) {
        failures.forget(sequence)
    }
}

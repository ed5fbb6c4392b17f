#if LMDB
import AfterCommit

/// What this process knows of its deliveries beyond what is stored: who was handed what.
final class LiveDeliveries: Sendable {
    struct Subscription {
        let id: UInt32
        /// The first sequence it may be given.
        let start: UInt64
        let types: EventTypeSelection
        var cursor: SubscriptionCursor
        /// Retrying and blocked deliveries that were handed out.
        var claimedExceptions: Set<UInt64> = []
        /// Those whose rows cannot be read and would not be found otherwise; until they are settled.
        var damaged: Set<UInt64> = []
    }

    struct State {
        /// Counts attachments, so that a claim can tell that it was overtaken by one.
        var generation: UInt64 = 0
        var isAttached = false
        var lock: DeliveryLock?
        /// Notes what is being tried; `nil` where it could not be opened.
        var inFlight: InFlightFile?
        var wake: (@Sendable (StorageChange) -> Void)?
        var subscriptions: [String: Subscription] = [:]
    }

    private let state = Locked(State())

    func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> sending R {
        try state.withLock { state throws(E) in
            nonisolated(unsafe) let result = try body(&state)
            return result
        }
    }

    /// Tells the engine that something may be claimable; outside of the lock.
    func wake(_ change: StorageChange) {
        let wake = state.withLock(\.wake)
        wake?(change)
    }

    /// Whether an engine delivers from here, or is about to.
    var isAttached: Bool { state.withLock { $0.isAttached } }

    /// Takes the right to deliver in this process.
    /// - Returns: the attachment's generation.
    func begin() throws(StorageError) -> UInt64 {
        try state.withLock { state throws(StorageError) in
            guard !state.isAttached else { throw StorageError.alreadyDelivering }
            state.isAttached = true
            state.generation += 1
            return state.generation
        }
    }

    /// Completes an attachment, unless it was ended meanwhile.
    func complete(
        generation: UInt64, lock: DeliveryLock, inFlight: InFlightFile?, subscriptions: [String: Subscription],
        wake: @escaping @Sendable (StorageChange) -> Void
    ) -> Bool {
        state.withLock { state in
            guard state.isAttached, state.generation == generation else { return false }
            state.lock = lock
            state.inFlight = inFlight
            state.subscriptions = subscriptions
            state.wake = wake
            return true
        }
    }

    /// Ends an attachment that failed half-way, if it is still the current one.
    /// - Returns: whether it was.
    func abandon(generation: UInt64) -> Bool {
        state.withLock { state in
            guard state.isAttached, state.generation == generation else { return false }
            state.isAttached = false
            return true
        }
    }

    func end() {
        let (lock, inFlight) = state.withLock { state in
            defer {
                state.isAttached = false
                state.lock = nil
                state.inFlight = nil
                state.wake = nil
                state.subscriptions = [:]
            }
            return (state.lock, state.inFlight)
        }
        // Before another process may deliver: what is noted after that would be taken for a death.
        inFlight?.end()
        lock?.release()
    }

    /// Whether the engine has the delivery in hand.
    func isClaimed(_ delivery: DeliveryID) -> Bool {
        state.withLock { state in
            guard let live = state.subscriptions[delivery.subscription] else { return false }
            return live.claimedExceptions.contains(delivery.sequence) || live.cursor.isClaimed(delivery.sequence)
        }
    }

    func cursor(_ name: String) -> SubscriptionCursor? {
        state.withLock { $0.subscriptions[name]?.cursor }
    }

    /// The places of all, by name.
    func cursors() -> [String: SubscriptionCursor] {
        state.withLock { $0.subscriptions.mapValues(\.cursor) }
    }

    /// Notes settlements that were committed.
    func settled(_ sequences: [UInt64], subscription: String) {
        state.withLock { state in
            guard state.subscriptions[subscription] != nil else { return }
            state.subscriptions[subscription]?.cursor.settle(sequences)
            if state.subscriptions[subscription]?.claimedExceptions.isEmpty == false {
                state.subscriptions[subscription]?.claimedExceptions.subtract(sequences)
                // Only what was handed out is settled.
                state.subscriptions[subscription]?.damaged.subtract(sequences)
            }
        }
    }

    func release(_ sequences: [UInt64], subscription: String) {
        state.withLock { state in
            for sequence in sequences {
                guard let live = state.subscriptions[subscription] else { return }
                if live.claimedExceptions.contains(sequence) {
                    state.subscriptions[subscription]?.claimedExceptions.remove(sequence)
                } else if !live.cursor.isSettled(sequence) {
                    state.subscriptions[subscription]?.cursor.release(sequence)
                }
            }
        }
    }
}
#endif

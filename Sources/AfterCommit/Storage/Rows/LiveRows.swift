/// What a process knows of the deliveries it makes from rows, beyond what is stored: who delivers, and what is in hand.
///
/// Whoever commits a settlement tells it so with ``settled(_:subscription:)`` before the next commit: a transaction that
/// settles asks it what is in hand.
package final class LiveRows: Sendable {
    private struct State {
        /// Counts attachments, so that one which was ended meanwhile can be told.
        var generation: UInt64 = 0
        var isAttached = false
        var wake: (@Sendable (StorageChange) -> Void)?
        var subscriptions: [String: RowClaims] = [:]
    }

    private let state = Locked(State())

    package init() {}

    /// Whether an engine delivers from here, or is about to.
    package var isAttached: Bool { state.withLock(\.isAttached) }

    /// The subscriptions that the engine delivers to; `nil` while it is only about to, or nobody delivers from here.
    package var deliveredNames: [String]? {
        state.withLock { $0.wake == nil ? nil : Array($0.subscriptions.keys) }
    }

    /// Tells the engine that something has changed; outside of the lock.
    package func wake(_ change: StorageChange) {
        guard !change.isEmpty else { return }
        let wake = state.withLock(\.wake)
        wake?(change)
    }

    // MARK: Owning

    /// Takes the right to deliver in this process.
    /// - Returns: the attachment's generation.
    package func begin() throws(StorageError) -> UInt64 {
        try state.withLock { state throws(StorageError) in
            guard !state.isAttached else { throw StorageError.alreadyDelivering }
            state.isAttached = true
            state.generation += 1
            return state.generation
        }
    }

    /// Completes an attachment, unless it was ended meanwhile.
    package func complete(
        generation: UInt64, subscriptions: [String], wake: @escaping @Sendable (StorageChange) -> Void
    ) -> Bool {
        state.withLock { state in
            guard state.isAttached, state.generation == generation else { return false }
            state.subscriptions = Dictionary(subscriptions.map { ($0, RowClaims()) }) { first, _ in first }
            state.wake = wake
            return true
        }
    }

    /// Gives up an attachment that did not succeed, or was ended before it did.
    /// - Returns: false where there has been another one since.
    @discardableResult
    package func abandon(generation: UInt64) -> Bool {
        state.withLock { state in
            guard state.generation == generation else { return false }
            state.isAttached = false
            return true
        }
    }

    /// Ends the attachment: what was in hand is claimable again.
    package func end() {
        state.withLock { state in
            state.isAttached = false
            state.wake = nil
            state.subscriptions = [:]
        }
    }

    /// Another process delivers: nothing is in hand here any more, and what is being read is not handed out. The attachment
    /// stays.
    package func loseAll() {
        state.withLock { state in
            // What is still being attached has nothing in hand.
            guard state.isAttached, state.wake != nil else { return }
            state.generation += 1
            state.subscriptions = state.subscriptions.mapValues { _ in RowClaims() }
        }
    }

    // MARK: In hand

    /// What a subscription has in hand; `nil` for one that the engine does not deliver to.
    package func claims(_ subscription: String) -> RowClaims? {
        state.withLock { $0.subscriptions[subscription] }
    }

    package func isClaimed(_ delivery: DeliveryID) -> Bool {
        state.withLock { $0.subscriptions[delivery.subscription]?.isClaimed(delivery.sequence) ?? false }
    }

    /// Notes settlements that were committed.
    package func settled(_ sequences: some Sequence<UInt64>, subscription: String) {
        state.withLock { $0.subscriptions[subscription]?.settled(sequences) }
    }

    package func release(_ sequences: [UInt64], subscription: String) {
        state.withLock { state in
            for sequence in sequences { state.subscriptions[subscription]?.release(sequence) }
        }
    }

    /// Notes that rows are about to be read.
    /// - Returns: what is in hand, and the attachment's generation.
    package func beginRead(_ subscription: String) -> (claims: RowClaims, generation: UInt64)? {
        state.withLock { state in
            guard state.subscriptions[subscription] != nil else { return nil }
            state.subscriptions[subscription]?.beginRead()
            return state.subscriptions[subscription].map { ($0, state.generation) }
        }
    }

    /// Hands out what was read, unless the attachment has ended meanwhile.
    package func endRead<R: Sendable>(
        _ subscription: String, generation: UInt64, _ body: (inout RowClaims) -> R
    ) -> R? {
        state.withLock { state in
            guard state.isAttached, state.generation == generation,
                var claims = state.subscriptions.removeValue(forKey: subscription)
            else { return nil }
            let result = body(&claims)
            claims.endRead()
            state.subscriptions[subscription] = claims
            return result
        }
    }
}

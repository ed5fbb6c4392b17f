#if SQLite
public import AfterCommit
public import Foundation

extension SQLiteStorage {
    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try await queue.attach(subscriptions, wake: wake)
    }

    public func detach() {
        queue.detach()
    }

    public func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)? {
        queue.source.journal(of: subscription)
    }

    public func registeredSubscriptions() async throws -> [String] {
        let tables = context.tables
        return try await context.read { try tables.subscriptionNames($0) }
    }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        let isAttaching = context.live.isAttached && context.live.deliveredNames == nil
        guard context.live.claims(name) == nil, !isAttaching else { throw StorageError.alreadyDelivering }
        // Another process that delivers would go on with a place that is gone.
        var lock: DeliveryLock?
        if !context.live.isAttached, let path = context.file.lockPath(context.tables) {
            lock = try await onOwnThread("sqlite-lock") { try DeliveryLock(path: path) }
        }
        defer { lock?.release() }
        return try await context.writeUncancelled { group in
            group.context.room.noteShrunk()
            return try group.context.tables.remove(name, group)
        }
    }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        try await queue.claim(request)
    }

    public func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        try await queue.claim(sequences, subscription: subscription)
    }

    public func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        try await queue.claimBlocked(
            subscription: subscription, orderingKeys: orderingKeys, limitPerKey: limitPerKey)
    }

    public func release(_ sequences: [UInt64], subscription: String) async {
        queue.release(sequences, subscription: subscription)
    }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        try await queue.settle(batch)
    }

    public func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64] {
        let tables = context.tables
        return try await context.read { database in
            try sequences.filter {
                try tables.state(of: DeliveryID(subscription: subscription, sequence: $0), database) == nil
            }
        }
    }

    // MARK: Inspecting

    public func counts(subscription: String) async throws -> DeliveryCounts {
        let tables = context.tables
        return try await context.read { try tables.counts(subscription, $0) }
    }

    public func backlog(subscription: String) async throws -> BacklogEstimate {
        let (tables, claims) = (context.tables, context.live.claims(subscription))
        return try await context.read { try tables.backlog(subscription, claims: claims, $0) }
    }

    public func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord] {
        let tables = context.tables
        return try await context.read { try tables.deliveries(query, $0) }
    }

    public func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        let tables = context.tables
        return try await context.read { try tables.deadLetters(query, $0) }
    }

    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await context.writeUncancelled { group in
            let redriven = try group.context.tables.redrive(ids, group)
            if !redriven.isEmpty { group.change.formUnion([.claimable, .deadLetters]) }
            return redriven
        }
    }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await context.writeUncancelled { group in
            let deleted = try group.context.tables.deleteDeadLetters(ids, group)
            if !deleted.isEmpty {
                group.change.insert(.deadLetters)
                let room = group.context.room
                group.afterCommit { room.noteShrunk() }
            }
            return deleted
        }
    }

    // MARK: Delayed events

    public func publishDelayed(dueBy now: Date) async throws -> Date? {
        let tables = context.tables
        while true {
            // Most looks find nothing: only what is due is worth a commit.
            guard let next = try await context.read({ try tables.nextDelayed($0) }) else { return nil }
            guard next <= now else { return next }
            try await context.writeUncancelled { group in
                try group.context.tables.publishDelayed(dueBy: now, limit: 1_000, group)
                group.context.room.noteShrunk()
            }
        }
    }

    public func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        let tables = context.tables
        return try await context.read { try tables.delayedEvents(after: position, limit: limit, $0) }
    }

    public func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        try await context.writeUncancelled { group in
            group.context.room.noteShrunk()
            return try group.context.tables.cancelDelayed(ids, group)
        }
    }
}
#endif

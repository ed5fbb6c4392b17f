#if LMDB
public import AfterCommit
import Logging

extension LMDBStorage {
    public func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try context.column?.check(subscriptions)
        let generation = try context.deliveries.begin()
        do {
            let folder = folder
            let lock = try await reader.run { _ in try DeliveryLock(folder: folder) }
            try watch.start(folder + "/" + DataFile.name)
            let records = try await writeUncancelled(
                WriteRequest(bytes: 256 * subscriptions.count) { try $0.register(subscriptions) })
            let claiming = claiming
            let (inFlight, found) = await openInFlight()
            let (places, live) = try await reader.read { try claiming.load(records, inFlight, found, $0) }
            guard
                context.deliveries.complete(
                    generation: generation, lock: lock, inFlight: inFlight, subscriptions: live, wake: wake)
            else {
                throw StorageError(.closed, "the storage was detached while it was being attached")
            }
            return places
        } catch {
            // Unless it was detached meanwhile, and another attachment watches now.
            if context.deliveries.abandon(generation: generation) { watch.stop() }
            throw error
        }
    }

    /// One can deliver without it; then a handler that kills the process is not found out.
    private func openInFlight() async -> (InFlightFile?, [InFlightFile.Suspect]) {
        let (context, folder) = (context, folder)
        do {
            return try await reader.run { _ in
                guard let bootID = BootID.current() else { return (nil, []) }
                let subscriptions = try context.subscriptionIDs()
                let (file, suspects) = try InFlightFile.open(
                    path: folder + "/in-flight", identity: context.identity, bootID: bootID,
                    storePosition: UInt64(try context.environment.lastTransactionID()),
                    subscriptions: subscriptions, logger: context.logger)
                return (file, suspects)
            }
        } catch {
            context.logger.warning(
                "what is in flight is not noted", metadata: [LogKey.error: "\(error)"])
            return (nil, [])
        }
    }

    public func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)? {
        context.deliveries.withLock { state -> InFlightLanes? in
            guard let id = state.subscriptions[subscription]?.id else { return nil }
            return state.inFlight?.lanes(of: id)
        }
    }

    public func registeredSubscriptions() async throws -> [String] {
        let context = context
        return try await reader.read { transaction in
            try context.subscriptions(transaction).all().map(\.name).sorted()
        }
    }

    public func removeSubscription(_ name: String) async throws -> DeliveryCounts? {
        guard context.deliveries.cursor(name) == nil else { throw StorageError.alreadyDelivering }
        // Another process that delivers would go on with a place that is gone.
        let folder = folder
        let lock =
            context.deliveries.isAttached ? nil : try await reader.run { _ in try DeliveryLock(folder: folder) }
        defer { lock?.release() }
        let counts = try await counts(subscription: name)
        let removed = try await writeUncancelled(WriteRequest(bytes: 0) { try $0.removeSubscription(name) })
        return removed ? counts : nil
    }

    public func detach() {
        watch.stop()
        context.deliveries.end()
    }

    public func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        let claiming = claiming
        return try await reader.run { _ in try claiming.claim(request) }
    }

    public func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        let claiming = claiming
        return try await reader.run { _ in try claiming.claim(sequences, subscription: subscription) }
    }

    public func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        let claiming = claiming
        return try await reader.run { _ in
            try claiming.claimBlocked(
                subscription: subscription, orderingKeys: orderingKeys, limitPerKey: limitPerKey)
        }
    }

    public func settled(among sequences: [UInt64], subscription name: String) async throws -> [UInt64] {
        let context = context
        return try await reader.read { transaction in
            guard let place = try context.subscriptions(transaction).record(name) else { return sequences }
            let tables = [context.databases.exceptions, context.databases.dead]
            return try sequences.filter { sequence in
                guard place.isSettled(sequence) else { return false }
                return try DeliveryKey(place.id, sequence).withBytes { key throws(StorageError) in
                    for table in tables where try transaction.stored(key, in: table) != nil { return false }
                    return true
                }
            }
        }
    }

    public func release(_ sequences: [UInt64], subscription: String) async {
        context.deliveries.release(sequences, subscription: subscription)
    }

    public func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        guard batch.count > 0 else { return SettlementReport() }
        let rowBytes = context.column == nil ? 16 : 1_024
        let bytes = rowBytes * batch.count + 1_024 * (batch.exceptions.count + batch.emitted.count)
        return try await writeUncancelled(
            WriteRequest(bytes: bytes, canWait: true) { try $0.settle(batch) })
    }

    public func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await writeUncancelled(WriteRequest(bytes: 1_024 * ids.count) { try $0.redrive(ids) })
    }

    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        try await writeUncancelled(
            WriteRequest(bytes: 64 * ids.count) { try $0.deleteDeadLetters(ids) })
    }

    private var claiming: Claiming { Claiming(context: context) }
}

extension StoreContext {
    /// The ids of all that have a place, those that nobody delivers to any more included.
    fileprivate func subscriptionIDs() throws(StorageError) -> Set<UInt32> {
        let transaction = try environment.beginRead()
        defer { transaction.abort() }
        return Set(try subscriptions(transaction).all().map(\.id))
    }
}

extension Claiming {
    /// What an engine gets when it begins to deliver, and what this process notes of it.
    fileprivate func load(
        _ records: [SubscriptionRecord], _ inFlight: InFlightFile?, _ found: [InFlightFile.Suspect],
        _ transaction: Transaction
    ) throws -> ([SubscriptionPlace], [String: LiveDeliveries.Subscription]) {
        let first = try context.log(transaction).first()?.sequence ?? 1
        var live: [String: LiveDeliveries.Subscription] = [:]
        let places = try records.map { record in
            let (keys, damaged) = try orderedKeys(transaction, record.id)
            live[record.name] = LiveDeliveries.Subscription(
                id: record.id, start: record.start, types: record.types,
                cursor: SubscriptionCursor(
                    settledBelow: record.settledBelow, settledAhead: record.settledAhead,
                    trimmedBelow: first),
                damaged: damaged)
            return SubscriptionPlace(
                orderedKeys: keys,
                suspects: try inFlight?.suspects(of: record.id, among: found) {
                    try isOpen($0, record, transaction)
                } ?? [])
        }
        return (places, live)
    }

    /// Whether it was not settled before the process died.
    private func isOpen(
        _ sequence: UInt64, _ record: SubscriptionRecord, _ transaction: Transaction
    ) throws -> Bool {
        if !record.isSettled(sequence) { return true }
        return try DeliveryKey(record.id, sequence).withBytes { key throws(StorageError) in
            try transaction.stored(key, in: context.databases.exceptions) != nil
        }
    }
}
#endif

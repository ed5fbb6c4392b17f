#if Postgres
import AfterCommit
import Foundation

/// How events are kept in PostgreSQL: as an outbox, or as a status column.
protocol PostgresQueue: Sendable {
    var leaseDuration: Duration? { get }
    /// How many deliveries were freed of relays whose leases had run out.
    var reclaimedDeliveries: Int { get }
    var ordersKeys: Bool { get }
    /// Whether events of many callers may share one statement.
    var storesTogether: Bool { get }
    /// How payloads go into envelopes.
    var payloadForm: EnvelopeFactory.PayloadForm { get }

    /// Refuses what this way of keeping events cannot store.
    func check(_ emission: Emission) throws
    /// Refuses what a handler's context cannot emit.
    func validate(_ emission: Emission) throws
    /// Stores what cannot wait for the transaction's commit.
    func mark(_ emission: Emission, in session: PostgresSession) throws
    /// Makes further ids greater than those that are stored, whatever the clock says.
    func advanceIDs(in session: PostgresSession) throws
    /// Stores what a transaction emitted, before its commit.
    /// - Returns: the statements that are still to be run, with the commit at the latest.
    func store(_ emissions: [Emission], in session: PostgresSession) throws -> [PostgresStatement]
    /// The event that the emission is already, by its deduplication key or its id.
    /// - Parameter emitted: what the transaction has emitted and not stored yet.
    func firstID(for emission: Emission, among emitted: [Emission], in session: PostgresSession) throws -> EventID?
    /// Takes the deduplication keys of new events, in one statement.
    /// - Returns: for each event whether it has its key now; one without may be known, or stored otherwise.
    func takeKeys(of emissions: [Emission], in session: PostgresSession) throws -> [Bool]
    /// Whether events of a transaction whose commit was not answered are stored.
    func isStored(_ ids: [EventID], in session: PostgresSession) throws -> Bool

    /// Prepares a delivery for a transaction that will not see what others store while it is open: nothing may come to wait
    /// behind the delivery that its settlement would have to find. A transaction of its own.
    func beginSettling(_ delivery: DeliveryID, in session: PostgresSession) throws
    /// Keeps the delivery to this transaction.
    func lock(_ delivery: DeliveryID, in session: PostgresSession) throws -> DeliveryLocking
    /// Settles a locked delivery as delivered.
    func settle(_ delivery: DeliveryID, in session: PostgresSession) throws
    /// Whether the delivery is settled, as another transaction sees it.
    func isSettled(_ delivery: DeliveryID, in session: PostgresSession) throws -> Bool
    /// The delivery's transaction has committed.
    func settled(_ delivery: DeliveryID)

    func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace]
    func detach()
    /// Ends it for good, after ``detach()``.
    func close() async
    func wake(_ change: StorageChange)

    func registeredSubscriptions() async throws -> [String]
    func removeSubscription(_ name: String) async throws -> DeliveryCounts?
    func publishDelayed(dueBy now: Date) async throws -> Date?
    func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent]
    func cancelDelayed(_ ids: [EventID]) async throws -> [EventID]

    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch
    func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery]
    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]]
    func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64]
    func release(_ sequences: [UInt64], subscription: String) async
    func settle(_ batch: SettlementBatch) async throws -> SettlementReport

    func counts(subscription: String) async throws -> DeliveryCounts
    func backlog(subscription: String) async throws -> BacklogEstimate
    func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord]
    func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter]
    func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID]
    func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID]
}

extension PostgresQueue {
    /// Nothing of it is stored that waits behind another.
    func beginSettling(_ delivery: DeliveryID, in session: PostgresSession) throws {}
}

/// What became of a delivery that a transaction wants to settle.
enum DeliveryLocking {
    case locked
    case alreadySettled
    /// In nobody's hands, or in another process's.
    case notClaimed
}
#endif

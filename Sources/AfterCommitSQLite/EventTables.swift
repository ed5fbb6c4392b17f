#if SQLite
import AfterCommit
import Foundation
import GRDB

/// Where events and their deliveries are stored in a database: the outbox's own tables, or a column of the user's table.
protocol EventTables: Sendable {
    /// The user-visible tables in which an insert or an update by anybody may be an event.
    var observedTables: Set<String> { get }
    /// The user's table whose rows carry events, and take them with them when they are deleted.
    var rowTable: String? { get }
    /// What brings a database to the format this version knows, in order.
    var migrations: [SQLiteMigration] { get }

    /// Whether others may mark rows that nobody is told of, so that somebody must look for them.
    var hasRowsMarkedByHand: Bool { get }
    /// What the names of our files beside the database's have, where several storages share it.
    var fileSuffix: String { get }
    /// What ``store(_:_:)`` wants of an event.
    var payloadForm: EnvelopeFactory.PayloadForm { get }

    /// Runs what is missing of them, in the transaction that is open.
    func migrate(_ database: Database) throws

    // MARK: Emitting

    /// The greatest of the ids of our own making that were stored last; further ones are to be greater.
    func newestID(_ database: Database) throws -> EventID?

    /// Refuses what cannot be stored, before an envelope is made.
    func check(_ options: EmitOptions) throws
    /// Refuses what handlers emit with their context, where it cannot be stored with the settlement.
    func checkContextEmits() throws
    /// Whether an event that is refused, and a settlement, has written nothing when it throws another error than the
    /// database's.
    var writesNothingWhenRefused: Bool { get }
    /// Stores one event in the transaction that is open.
    func store(_ emission: Emission, _ group: WriteGroup) throws -> EventID
    /// Stores one event that came from elsewhere, unless it is known.
    /// - Parameter checkRoom: asked before anything is written.
    /// - Returns: whether it was stored now.
    /// - Throws: `EmitError`, with nothing written, for one whose key stands for another payload.
    func storeOnce(_ emission: Emission, _ group: WriteGroup, checkRoom: () throws -> Void) throws -> Bool
    /// How many events are stored, and the last sequence that was given out; `nil` where nothing is limited.
    func countEvents(_ database: Database) throws -> EventCount?
    func lastSequence(_ database: Database) throws -> UInt64

    /// Makes events of what somebody marked by hand.
    func adopt(_ group: WriteGroup) throws

    // MARK: Delivering

    func register(_ registrations: [SubscriptionRegistration], _ group: WriteGroup) throws -> [SubscriptionPlace]
    func find(_ request: RowRequest, _ database: Database) throws -> RowsFound
    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int, _ database: Database
    ) throws -> [String: [ClaimedDelivery]]
    func rows(_ sequences: [UInt64], subscription: String, _ database: Database) throws -> [RowRead]
    func settle(_ batch: SettlementBatch, _ group: WriteGroup) throws -> SettlementReport
    /// Where a delivery stands: `nil` for one that is settled for good.
    func state(of delivery: DeliveryID, _ database: Database) throws -> DeliveryState?

    // MARK: Inspecting

    func subscriptionNames(_ database: Database) throws -> [String]
    func counts(_ subscription: String, _ database: Database) throws -> DeliveryCounts
    func backlog(_ subscription: String, claims: RowClaims?, _ database: Database) throws -> BacklogEstimate
    func deliveries(_ query: DeliveryQuery, _ database: Database) throws -> [DeliveryRecord]
    func deadLetters(_ query: DeadLetterQuery, _ database: Database) throws -> [DeadLetter]
    func redrive(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID]
    func deleteDeadLetters(_ ids: [DeliveryID], _ group: WriteGroup) throws -> [DeliveryID]
    func remove(_ subscription: String, _ group: WriteGroup) throws -> DeliveryCounts?

    // MARK: Delayed events

    func publishDelayed(dueBy now: Date, limit: Int, _ group: WriteGroup) throws
    func nextDelayed(_ database: Database) throws -> Date?
    func delayedEvents(
        after position: DelayedEvent.Position?, limit: Int, _ database: Database
    ) throws -> [DelayedEvent]
    func cancelDelayed(_ ids: [EventID], _ group: WriteGroup) throws -> [EventID]

    // MARK: Forgetting

    /// Forgets delivered events.
    /// - Parameters:
    ///   - after: the sequence at which the last call ended.
    ///   - date: those emitted before; `nil`: whenever they were.
    /// - Returns: how many were looked at and forgotten, and the sequence up to which.
    func prune(after: UInt64, before date: Date?, limit: Int, _ database: Database) throws -> Pruned
    /// Forgets what waits for subscriptions that are not among those named.
    /// - Returns: how much was forgotten of whom.
    func cutOrphans(except names: [String], _ database: Database) throws -> [String: Int]
}

struct EventCount: Sendable {
    var events: Int
    var lastSequence: UInt64
}

struct Pruned: Sendable {
    var looked = 0
    var forgotten = 0
    var last: UInt64 = 0
}
#endif

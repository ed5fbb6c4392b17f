#if Postgres
import AfterCommit
import Foundation
import Logging

/// The status column: the user's own rows carry their events, and one server delivers them.
final class PostgresStatusColumn: PostgresQueue {
    let source: StatusColumnSource
    let queue: RowQueue<StatusColumnSource>
    let rows: StatusRows
    let envelopes: EnvelopeFactory
    let pool: PostgresPool

    init(
        column: StatusColumn, pool: PostgresPool, envelopes: EnvelopeFactory,
        configuration: PostgresStorage.Configuration, time: TimeSource, logger: Logger
    ) {
        rows = StatusRows(column: column, statement: StatusColumnStatement(column), coder: envelopes.coder)
        self.envelopes = envelopes
        self.pool = pool
        source = StatusColumnSource(
            rows: rows, pool: pool, envelopes: envelopes, configuration: configuration, time: time, logger: logger)
        queue = RowQueue(source: source, live: source.live)
    }

    var leaseDuration: Duration? { nil }
    var reclaimedDeliveries: Int { 0 }
    var ordersKeys: Bool { false }
    var storesTogether: Bool { false }
    var payloadForm: EnvelopeFactory.PayloadForm { .value }
    var statement: StatusColumnStatement { rows.statement }
    var column: StatusColumn { rows.column }
    var live: LiveRows { source.live }

    // MARK: Storing

    func check(_ emission: Emission) throws {
        if emission.deliverAt != nil { throw StorageError.needsOutbox("delayed events") }
        if let key = emission.deduplication?.key {
            let isCallers = key.hasPrefix(Emission.Deduplication.callersPrefix)
            throw StorageError.needsOutbox(isCallers ? "deduplication keys" : "ids of the caller's")
        }
        guard emission.envelope.type == column.type else { throw StatusColumn.otherType }
        try emission.checkStorable()
    }

    func validate(_ emission: Emission) throws {
        throw StorageError.needsOutbox(
            "an event that a handler's context emits; a transactional handler can emit with its transaction")
    }

    func takeKeys(of emissions: [Emission], in session: PostgresSession) throws -> [Bool] {
        throw StorageError.needsOutbox("events from elsewhere")
    }

    func firstID(for emission: Emission, among emitted: [Emission], in session: PostgresSession) -> EventID? { nil }

    /// The row says at once that it has an event: another one of it must be refused where it is emitted.
    func mark(_ emission: Emission, in session: PostgresSession) throws {
        let envelope = emission.envelope
        let key = try column.key(try column.decode(emission, envelopes.coder))
        var statements = [
            PostgresStatement(
                statement.mark, [.uuid(envelope.id.uuid), .json(try StatusDetail(envelope).encoded()), key])
        ]
        // Notifications make commits wait for each other. Where the engine is here it is told without one.
        if !live.isAttached { statements.append(PostgresStatement(StatusColumnStatement.notify)) }
        guard try session.pipeline(statements)[0].isEmpty else { return }
        let isThere = try session.execute(statement.exists, [key]).first().bool(0)
        throw StorageError.needsOutbox(
            isThere
                ? "a second event of a row of \(column.table) whose event is pending"
                : "an event of a row that is not in \(column.table)")
    }

    func store(_ emissions: [Emission], in session: PostgresSession) -> [PostgresStatement] { [] }

    func isStored(_ ids: [EventID], in session: PostgresSession) throws -> Bool {
        try session.execute(statement.stored, [.uuids(ids.map(\.uuid))]).first().bool(0)
    }

    /// Makes further ids greater than those that are stored, whatever the clock says.
    func advanceIDs(in session: PostgresSession) throws {
        for row in try session.execute(statement.newestID) {
            let id = EventID(try row.uuid(0))
            if id.isOrderedByTime { envelopes.ids.advance(past: id) }
        }
    }

    // MARK: In a transaction of the user's

    func lock(_ delivery: DeliveryID, in session: PostgresSession) throws -> DeliveryLocking {
        let sequence = PostgresValue.int64(Int64(bitPattern: delivery.sequence))
        guard try !session.execute(statement.lock, [sequence]).isEmpty else { return .alreadySettled }
        // Asked once its row is locked: a settlement that begins later waits for the row, and finds it settled.
        return live.isClaimed(delivery) && !source.isSettling(delivery.sequence) ? .locked : .notClaimed
    }

    func settle(_ delivery: DeliveryID, in session: PostgresSession) throws {
        let settled = try session.execute(statement.succeed, [.int64s([Int64(bitPattern: delivery.sequence)])])
        guard !settled.isEmpty else { throw StorageError.notClaimed(delivery) }
    }

    func isSettled(_ delivery: DeliveryID, in session: PostgresSession) throws -> Bool {
        try session.execute(statement.unsettled, [.int64s([Int64(bitPattern: delivery.sequence)])]).isEmpty
    }

    func settled(_ delivery: DeliveryID) {
        live.settled(CollectionOfOne(delivery.sequence), subscription: delivery.subscription)
    }

    // MARK: Delivering

    func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        try await queue.attach(subscriptions, wake: wake)
    }

    func detach() { queue.detach() }

    func close() async {
        detach()
        await source.owner.released()
    }

    func wake(_ change: StorageChange) { live.wake(change) }

    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch { try await queue.claim(request) }

    func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        try await queue.claim(sequences, subscription: subscription)
    }

    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        try await queue.claimBlocked(subscription: subscription, orderingKeys: orderingKeys, limitPerKey: limitPerKey)
    }

    func release(_ sequences: [UInt64], subscription: String) async {
        queue.release(sequences, subscription: subscription)
    }

    func settle(_ batch: SettlementBatch) async throws -> SettlementReport { try await queue.settle(batch) }

    func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64] {
        let open = try await pool.run { session in
            try session.execute(self.statement.unsettled, [.int64s(sequences.signed)]).map {
                UInt64(bitPattern: try $0.int64(0))
            }
        }
        let isOpen = Set(open)
        return sequences.filter { !isOpen.contains($0) }
    }

    // MARK: What there is none of

    func publishDelayed(dueBy now: Date) -> Date? { nil }
    func delayedEvents(after position: DelayedEvent.Position?, limit: Int) -> [DelayedEvent] { [] }
    func cancelDelayed(_ ids: [EventID]) -> [EventID] { [] }
}
#endif

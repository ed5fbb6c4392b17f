#if Postgres
import AfterCommit
import Foundation
import Logging

/// The rows of a status column's deliveries, for the queue over them.
final class StatusColumnSource: DeliveryRowSource {
    let rows: StatusRows
    let pool: PostgresPool
    let envelopes: EnvelopeFactory
    let live = LiveRows()
    let logger: Logger
    let owner: ColumnOwner
    private let time: TimeSource
    private let pollInterval: Duration
    /// Looks for what nobody told of, and keeps the right to deliver.
    private let sweep = Locked<Task<Void, Never>?>(nil)
    /// What settlements that are being written, or were not answered, are about.
    private let settling = Locked(Settling())

    struct Settling {
        /// A transaction must not settle what these settle.
        var underWay: Set<UInt64> = []
        /// They may have been written: writing them once more is no news.
        var unanswered: Set<UInt64> = []
    }

    init(
        rows: StatusRows, pool: PostgresPool, envelopes: EnvelopeFactory, configuration: PostgresStorage.Configuration,
        time: TimeSource, logger: Logger
    ) {
        self.rows = rows
        self.pool = pool
        self.envelopes = envelopes
        self.time = time
        self.logger = logger
        pollInterval = configuration.pollInterval
        owner = ColumnOwner(column: rows.column, configuration: pool.configuration, time: time, logger: logger)
    }

    var statement: StatusColumnStatement { rows.statement }
    var column: StatusColumn { rows.column }

    // MARK: Owning

    func open(_ registrations: [SubscriptionRegistration]) async throws -> [SubscriptionPlace] {
        try Self.check(registrations, column)
        guard !pool.isClosed else { throw StorageError.closed }
        try await owner.take()
        let places = try await pool.transaction { session in
            try registrations.map { try self.register($0, in: session) }
        }
        try await adopt()
        startSweep()
        return places
    }

    func close() {
        sweep.withLock { task in
            task?.cancel()
            task = nil
        }
        settling.withLock { $0 = Settling() }
        owner.release()
    }

    private static func check(_ registrations: [SubscriptionRegistration], _ column: StatusColumn) throws {
        guard registrations.count <= 1 else { throw StorageError.needsOutbox("a second subscription") }
        guard registrations.allSatisfy({ $0.types == EventTypeSelection(types: [column.type]) }) else {
            throw StorageError.needsOutbox("a subscription to other types than \(column.type)")
        }
    }

    private func register(
        _ registration: SubscriptionRegistration, in session: PostgresSession
    ) throws -> SubscriptionPlace {
        try session.execute(
            StatusColumnStatement.setSubscription, [.text(column.table), .text(registration.name)])
        if registration.retriesParked {
            try session.execute(statement.unpark, [.timestamp(envelopes.wallClock.now())])
        }
        let keys = try session.execute(statement.orderedKeys).map { row in
            SubscriptionPlace.OrderedKey(
                key: try row.text(0), retrying: try row.optionalInt64(1).map { UInt64(clamping: $0) },
                dead: try row.optionalInt64(2).map { UInt64(clamping: $0) }, blocked: Int(try row.int64(3)),
                firstBlocked: try row.optionalInt64(4).map { UInt64(clamping: $0) })
        }
        return SubscriptionPlace(orderedKeys: keys.filter { $0.retrying != nil || $0.dead != nil || $0.blocked > 0 })
    }

    /// Runs `body` while this server has the right to deliver.
    func owning<R: Sendable>(_ body: @Sendable (PostgresSession) throws -> R) async throws -> R {
        try await owner.run(onLoss: { lost() }, body)
    }

    private func lost() {
        logger.warning("another server delivers from the table; what was in hand here is its")
        live.loseAll()
        live.wake(.leasesLost)
    }

    // MARK: Sweeping

    private func startSweep() {
        let (time, interval) = (time, pollInterval)
        let task = Task.detached { [weak self] in
            var hasFailed = false
            // Ends when it is stopped.
            while (try? await time.sleep(until: time.now() + interval)) != nil, let self, self.live.isAttached {
                await self.look(&hasFailed)
            }
        }
        sweep.withLock { sweep in
            sweep?.cancel()
            sweep = task
        }
    }

    /// - Parameter hasFailed: whether the last look failed: the log is told once.
    private func look(_ hasFailed: inout Bool) async {
        do {
            try await adopt()
            hasFailed = false
            // A row that failed or is retried may have been deleted, or have another event: then its key goes on.
            live.wake([.claimable, .deadLetters])
        } catch let error as StorageError where error.code == .storeBusy {
            // Told when it was lost.
        } catch {
            guard !hasFailed, !Task.isCancelled else { return }
            hasFailed = true
            logger.warning(
                "rows that nobody was told of cannot be looked for, it will be tried again",
                metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Rows that somebody marked as pending and nothing more get what an event needs.
    private func adopt() async throws {
        try await owning { session in
            try session.execute("BEGIN")
            let marked = try session.execute(self.statement.markedByHand)
            for row in marked { try self.adopt(row, in: session) }
            try session.commit([])
        }
    }

    private func adopt(_ row: PostgresRow, in session: PostgresSession) throws {
        let now = envelopes.wallClock.now()
        // One that no event can be made of has no key; it is found out when it is delivered.
        let event = try? column.rebuild(row)
        let envelope = Envelope(
            id: envelopes.ids.next(at: now), type: column.type, source: envelopes.source, time: now,
            schemaVersion: column.schemaVersion, orderingKey: event?.orderingKey, payload: .bytes(Data()))
        try session.execute(
            statement.adopt,
            [
                .uuid(envelope.id.uuid), .json(try StatusDetail(envelope).encoded()),
                .int64(try row.int64(try row.column("event_table"))),
                .text(try row.text(try row.column("event_place"))),
            ])
    }

    // MARK: Settling

    /// Whether a settlement of it is being written.
    func isSettling(_ sequence: UInt64) -> Bool { settling.withLock { $0.underWay.contains(sequence) } }

    func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        let sequences = batch.delivered + batch.exceptions.map(\.delivery.sequence)
        let unanswered = settling.withLock { settling in
            settling.underWay.formUnion(sequences)
            return settling.unanswered.intersection(sequences)
        }
        defer { settling.withLock { $0.underWay.subtract(sequences) } }
        var parameters: [PostgresValue] = [
            .int64s(batch.delivered.signed), .json(try StatusRecord.json(batch.exceptions.map { StatusRecord($0) })),
        ]
        if !unanswered.isEmpty { parameters.append(.int64s(Array(unanswered).signed)) }
        let sql = unanswered.isEmpty ? rows.statement.settle : rows.statement.settleAgain
        let statement = PostgresStatement(sql, parameters)
        let settled: Set<UInt64>
        do {
            // Where the lock is: what is late must not overwrite what the next owner delivers.
            settled = try await owning { session in
                Set(
                    try session.execute(statement.sql, statement.parameters).map {
                        UInt64(bitPattern: try $0.int64(0))
                    })
            }
        } catch let error as StorageError where error.code == .storeBusy {
            settling.withLock { $0.unanswered.subtract(sequences) }
            return refused(batch, sequences)
        } catch let error as PostgresError where error.isConnectionLost {
            settling.withLock { $0.unanswered.formUnion(sequences) }
            throw error
        }
        settling.withLock { $0.unanswered.subtract(sequences) }
        live.settled(sequences, subscription: batch.subscription)
        return refused(batch, sequences.filter { !settled.contains($0) })
    }

    private func refused(_ batch: SettlementBatch, _ stale: [UInt64]) -> SettlementReport {
        var report = SettlementReport(stale: stale)
        // They were refused when they were emitted.
        report.refusedEmissions = batch.emissions(without: stale).map { $0.deduplication?.key ?? "" }
        return report
    }
}
#endif

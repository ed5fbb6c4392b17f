#if SQLite
import AfterCommit

/// The rows of a database's deliveries, for the queue over them.
final class SQLiteRowSource: DeliveryRowSource {
    private let context: SQLiteContext
    private let commits = ForeignCommits()
    private let sweep = Sweep()
    private struct Held {
        var lock: DeliveryLock?
        var notes: InFlightNotes?
    }
    private let held = Locked(Held())

    init(context: SQLiteContext) {
        self.context = context
    }

    func open(_ registrations: [SubscriptionRegistration]) async throws -> [SubscriptionPlace] {
        // Until all is there the lock is nobody else's to give back: notes are only read and replaced by who holds it.
        var taken = Held()
        if let path = context.file.lockPath(context.tables) {
            taken.lock = try await onOwnThread("sqlite-lock") { try DeliveryLock(path: path) }
        }
        try await commits.start(context)
        var places = try await context.writeUncancelled { group in
            try group.context.tables.register(registrations, group)
        }
        if let notes = await InFlightNotes.open(context) {
            taken.notes = notes
            for (index, registration) in registrations.enumerated() {
                places[index].suspects = notes.suspects[registration.name] ?? []
            }
        }
        let all = taken
        held.withLock { $0 = all }
        if context.tables.hasRowsMarkedByHand { sweep.start(context) }
        return places
    }

    func journal(of subscription: String) -> (any AttemptJournal)? {
        held.withLock { $0.notes }?.journal(of: subscription)
    }

    func close() {
        commits.stop()
        sweep.stop()
        let held = held.withLock { held in
            defer { held = Held() }
            return held
        }
        // Before another process may deliver: what is noted after that would be taken for a death.
        held.notes?.end()
        held.lock?.release()
    }

    func find(_ request: RowRequest) async throws -> RowsFound {
        let tables = context.tables
        return try await context.read { try tables.find(request, $0) }
    }

    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        let tables = context.tables
        return try await context.read {
            try tables.blocked(subscription, keys: keys, claims: claims, limit: limit, $0)
        }
    }

    func rows(_ sequences: [UInt64], subscription: String) async throws -> [RowRead] {
        let tables = context.tables
        return try await context.read { try tables.rows(sequences, subscription: subscription, $0) }
    }

    func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        let undo: WriteUndo = context.tables.writesNothingWhenRefused ? .withGroup : .savepoint
        return try await context.writeUncancelled(undo: undo) { try $0.settle(batch) }
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDB

/// The status column: the user's own rows carry their events.
///
/// What it writes to them it writes by GRDB, so that the user's observations see it.
struct StatusColumnTables: EventTables {
    let column: StatusColumn

    var observedTables: Set<String> { [] }
    var rowTable: String? { column.table }
    let hasRowsMarkedByHand = true
    let writesNothingWhenRefused = false
    var fileSuffix: String { "-\(column.table)" }
    var payloadForm: EnvelopeFactory.PayloadForm { .value }
    var migrations: [SQLiteMigration] { StatusColumnSchema.migrations(column) }

    func migrate(_ database: Database) throws {
        guard try database.tableExists(column.table) else {
            throw StorageError(
                .invalidTable, "there is no table \(column.table) for the status column; make it before the storage")
        }
        try SQLiteMigration.run(migrations, series: StatusColumnSchema.series(column), in: database)
    }

    func newestID(_ database: Database) throws -> EventID? {
        let statement = try PreparedStatement(database, "SELECT newest FROM aftercommit_columns WHERE name = ?1")
        try statement.bind(column.table, at: 1)
        let id = try statement.first { $0.text(0).flatMap { EventID($0) } } ?? nil
        return id.flatMap { $0.isOrderedByTime ? $0 : nil }
    }

    // MARK: Storing

    func check(_ options: EmitOptions) throws {
        if options.deliverAt != nil { throw StorageError.needsOutbox("delayed events") }
        if options.deduplicationKey != nil { throw StorageError.needsOutbox("deduplication keys") }
        if options.id != nil { throw StorageError.needsOutbox("ids of the caller's") }
    }

    func checkContextEmits() throws {
        throw StorageError.needsOutbox(
            "an event that a handler's context emits; a transactional handler can emit with its transaction")
    }

    func store(_ emission: Emission, _ group: WriteGroup) throws -> EventID {
        if emission.deliverAt != nil { throw StorageError.needsOutbox("delayed events") }
        if emission.deduplication != nil { throw StorageError.needsOutbox("deduplication keys") }
        let envelope = emission.envelope
        let key = try column.key(try column.decode(emission, group.context.envelopes.coder))
        try mark(
            key, StatusDetail(envelope), id: envelope.id,
            sequence: try nextSequence(for: envelope.id, group.database),
            group)
        return envelope.id
    }

    func storeOnce(_ emission: Emission, _ group: WriteGroup, checkRoom: () throws -> Void) throws -> Bool {
        throw StorageError.needsOutbox("events from elsewhere")
    }

    private func mark(
        _ key: DatabaseValue, _ detail: StatusDetail, id: EventID, sequence: Int64, _ group: WriteGroup
    ) throws {
        let database = group.database
        let encoded = try detail.encoded()
        func mark(where condition: String) throws -> Bool {
            let statement = try database.cachedStatement(
                sql: """
                    UPDATE \(column.name) SET event_status = 'pending', event_id = ?, event_sequence = ?, event_attempts = 0,
                        event_due = NULL, event_key = NULL, event_error = NULL, event_detail = ?
                    WHERE \(StatusColumn.quoted(column.keyColumn)) = ? AND \(condition)
                    """)
            try statement.execute(arguments: [id.description, sequence, encoded, key])
            guard database.changesCount <= 1 else {
                throw StorageError(
                    .invalidTable,
                    "\(database.changesCount) rows of \(column.table) have the \(column.keyColumn) \(key); name a key column that is unique"
                )
            }
            return database.changesCount == 1
        }
        if try mark(where: "event_status IS NOT 'pending' AND event_status IS NOT 'failed'") {
            group.change.insert(.claimable)
            return
        }
        // Its dead letter goes with it, and the key that waited for that.
        if try mark(where: "event_status = 'failed'") {
            group.change.formUnion([.claimable, .deadLetters])
            return
        }
        let isThere = try Bool.fetchOne(
            database,
            sql: "SELECT 1 FROM \(column.name) WHERE \(StatusColumn.quoted(column.keyColumn)) = ?", arguments: [key])
        throw StorageError.needsOutbox(
            isThere == true
                ? "a second event of a row of \(column.table) whose event is pending"
                : "an event of a row that is not in \(column.table)")
    }

    private func nextSequence(for id: EventID, _ database: Database) throws -> Int64 {
        let statement = try PreparedStatement(
            database,
            "UPDATE aftercommit_columns SET sequence = sequence + 1, newest = ?2 WHERE name = ?1 RETURNING sequence")
        try statement.bind(column.table, at: 1)
        try statement.bind(id.description, at: 2)
        return try statement.first { $0.integer(0) } ?? 1
    }

    func countEvents(_ database: Database) throws -> EventCount? { nil }

    func lastSequence(_ database: Database) throws -> UInt64 {
        let statement = try PreparedStatement(database, "SELECT sequence FROM aftercommit_columns WHERE name = ?1")
        try statement.bind(column.table, at: 1)
        return try statement.first { $0.sequence(0) } ?? 0
    }

    /// Rows that somebody marked as pending and nothing more get what an event needs.
    func adopt(_ group: WriteGroup) throws {
        let database = group.database
        let keys = try DatabaseValue.fetchAll(
            database,
            sql: """
                SELECT \(StatusColumn.quoted(column.keyColumn)) FROM \(column.name)
                WHERE event_status = 'pending' AND event_sequence IS NULL
                    AND \(StatusColumn.quoted(column.keyColumn)) IS NOT NULL LIMIT 1000
                """)
        for key in keys {
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM \(column.name) WHERE \(StatusColumn.quoted(column.keyColumn)) = ?",
                arguments: [key])
            // One that no event can be made of has no key; it is found out when it is delivered.
            let event = row.flatMap { try? column.rebuild($0) }
            let envelope = Envelope(
                id: group.context.envelopes.ids.next(at: group.now), type: column.type,
                source: group.context.envelopes.source, time: group.now, schemaVersion: column.schemaVersion,
                orderingKey: event?.orderingKey, payload: .bytes(Data()))
            try database.execute(
                sql: "UPDATE \(column.name) SET event_status = NULL WHERE \(StatusColumn.quoted(column.keyColumn)) = ?",
                arguments: [key])
            try mark(
                key, StatusDetail(envelope), id: envelope.id, sequence: try nextSequence(for: envelope.id, database),
                group)
        }
    }

    // MARK: Reading

    func status(ofRow key: DatabaseValue, _ database: Database) throws -> RowStatus? {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM \(column.name) WHERE \(StatusColumn.quoted(column.keyColumn)) = ?",
            arguments: [key])
        guard let row, let state = (row["event_status"] as String?).flatMap({ RowStatus.State(rawValue: $0) })
        else { return nil }
        let event = self.row(row)
        return RowStatus(
            state: state, eventID: event.envelope.id, attempts: row["event_attempts"] ?? 0,
            replayCount: event.history?.replayCount ?? 0, due: event.due, lastError: row["event_error"])
    }

    func row(_ row: Row) -> StatusRow { StatusRow(row, column, coder: JSONEventCoder()) }

    // What somebody did to a row by hand must not make it due. The sign keeps SQLite from the index of all pending ones.
    static let isDue = "+event_status = 'pending' AND event_due IS NOT NULL"
    static let isRetrying = "\(isDue) AND event_due < 9e999"
    static let isParked = "\(isDue) AND event_due = 9e999"
    static let isBlocked = "+event_status = 'pending' AND event_key IS NOT NULL"

    /// Takes rows that meet a condition until `body` returns false.
    func scan(
        _ condition: String, order: String = "event_sequence", in database: Database,
        _ arguments: StatementArguments = [], _ body: (StatusRow) throws -> Bool
    ) throws {
        let statement = try database.cachedStatement(
            sql: "SELECT * FROM \(column.name) WHERE \(condition) ORDER BY \(order)")
        let cursor = try Row.fetchCursor(statement, arguments: arguments)
        // One that is left open keeps its snapshot.
        defer { PreparedStatement.reset(statement) }
        while let row = try cursor.next() { guard try body(self.row(row)) else { return } }
    }

    /// One row that is not settled for good.
    func row(_ sequence: UInt64, _ database: Database) throws -> StatusRow? {
        for status in ["pending", "failed"] {
            var found: StatusRow?
            try scan(
                "event_sequence = ? AND event_status = '\(status)'", in: database, [Int64(clamping: sequence)]
            ) { row in
                found = row
                return false
            }
            if let found { return found }
        }
        return nil
    }
}
#endif

#if Postgres
import AfterCommit

/// One step of the schema.
public struct PostgresMigration: Sendable, Hashable {
    /// Its place: each is applied once, in order.
    public let number: Int
    public let name: String
    /// Statements that are applied in one transaction.
    public let sql: String
}

extension PostgresStorage {
    /// The schema, step by step: for those who apply it by their own tool. A storage with `migrates: false` checks that it is
    /// there.
    ///
    /// Apply ``PostgresMigration/sql`` of each, and note it:
    /// `INSERT INTO aftercommit_migrations (number, name) VALUES (...)`, in one transaction.
    public static let migrations = [
        PostgresMigration(number: 1, name: "inbox", sql: PostgresInbox.schema),
        PostgresMigration(number: 2, name: "outbox", sql: OutboxSchema.sql),
    ]

    /// All of it as one script, the notes included.
    public static var schema: String { Migrator(migrations: migrations).script }
}

/// Brings a database to this version's schema, one process at a time.
struct Migrator: Sendable {
    private static let table = """
        CREATE TABLE IF NOT EXISTS aftercommit_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            applied timestamptz NOT NULL DEFAULT now()
        );
        """
    private static let lock = "SELECT pg_advisory_xact_lock(hashtext('aftercommit_migrations'))"

    let migrations: [PostgresMigration]
    /// Whose columns are added, where there is one.
    var column: StatusColumn?

    var script: String {
        let steps = migrations.map { "\($0.sql)\n\(Self.note($0))" }
        return ([Self.table] + steps + [columns?.sql].compactMap { $0 }).joined(separator: "\n\n")
    }

    private var columns: StatusColumnSchema? { column.map { StatusColumnSchema(column: $0) } }

    private static func note(_ migration: PostgresMigration) -> String {
        "INSERT INTO aftercommit_migrations (number, name) VALUES (\(migration.number), '\(migration.name)');"
    }

    /// - Parameter applies: whether what is missing is applied, or only checked.
    /// - Throws: `StorageError` with `formatTooNew` for a database that a newer version has brought further, with
    ///   `unsuitablePath` for one that lacks something and is only checked.
    func prepare(_ pool: PostgresPool, applies: Bool) async throws {
        try await pool.run { session in
            try columns?.check(in: session)
            if try isMigrated(session), try hasColumns(session) { return }
            guard applies else {
                throw StorageError(
                    .unsuitablePath,
                    "the database lacks \(try lacking(session)): apply PostgresStorage.Events.schema, or allow it with `migrates: true`"
                )
            }
            try session.execute("BEGIN")
            try session.withoutLimit {
                try session.execute(Self.lock)
                // Another process may have been quicker.
                try session.executeScript(Self.table)
                for migration in try missing(session) {
                    try session.executeScript(migration.sql)
                    try session.executeScript(Self.note(migration))
                }
                if let columns, try !hasColumns(session) { try session.executeScript(columns.sql) }
            }
            try session.commit([])
        }
    }

    private func hasColumns(_ session: PostgresSession) throws -> Bool {
        try columns?.isThere(in: session) ?? true
    }

    private func lacking(_ session: PostgresSession) throws -> String {
        guard let column, try isMigrated(session) else { return "migrations" }
        return "the status column of \(column.table)"
    }

    private func isMigrated(_ session: PostgresSession) throws -> Bool {
        guard try session.execute("SELECT to_regclass('aftercommit_migrations') IS NOT NULL").first().bool(0) else {
            return false
        }
        return try missing(session).isEmpty
    }

    private func missing(_ session: PostgresSession) throws -> [PostgresMigration] {
        let applied = try session.execute("SELECT number FROM aftercommit_migrations").map { Int(try $0.int32(0)) }
        // Another storage of this version may have brought it further.
        if let newest = applied.max(), let known = PostgresStorage.migrations.map(\.number).max(), newest > known {
            throw StorageError(
                .formatTooNew, "the database has schema \(newest); this version knows \(known): use a newer version")
        }
        let isApplied = Set(applied)
        return migrations.filter { !isApplied.contains($0.number) }
    }
}
#endif

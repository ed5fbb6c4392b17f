#if SQLite
import AfterCommit
import Foundation
import GRDB

/// What a connection says of the database's file and of how it is written.
struct DatabaseFile: Sendable {
    /// The file's absolute path; `nil` for a database in memory.
    let path: String?

    init(path: String?) {
        self.path = path
    }

    /// Looks at the connection that writes.
    /// - Throws: `StorageError` with `unsuitablePath` for one whose commits may be lost with the power.
    init(checking connection: Database) throws {
        let path: String? =
            try PreparedStatement(
                connection, "SELECT file FROM pragma_database_list WHERE name = 'main'"
            ).first { $0.text(0) } ?? nil
        self.path = path.flatMap { $0.isEmpty ? nil : $0 }
        guard self.path != nil else { return }
        let level = try PreparedStatement(connection, "PRAGMA synchronous").first { $0.integer(0) } ?? 0
        guard level >= 2 else { throw StorageError.notSynchronous(level: level) }
    }

    /// Held by the process that delivers.
    func lockPath(_ tables: any EventTables) -> String? { path(tables, "lock") }

    /// Where the process that delivers notes what it tries.
    func inFlightPath(_ tables: any EventTables) -> String? { path(tables, "in-flight") }

    private func path(_ tables: any EventTables, _ ending: String) -> String? {
        path.map { $0 + "-aftercommit\(tables.fileSuffix).\(ending)" }
    }
}

extension StorageError {
    static func notSynchronous(level: Int64) -> Self {
        Self(
            .unsuitablePath,
            "the database's connection has `PRAGMA synchronous` \(level), with which acknowledged commits can be lost with the power; for a DatabasePool, which sets it after `Configuration.prepareDatabase`, run `try pool.writeWithoutTransaction { db in try db.execute(sql: \"PRAGMA synchronous = FULL\") }` once after opening it; for a DatabaseQueue put `configuration.prepareDatabase { db in try db.execute(sql: \"PRAGMA synchronous = FULL\") }` before opening it"
        )
    }
}
#endif

#if Example
/// Which storage to use.
enum StorageChoice: Sendable, Equatable {
    /// In memory: nothing survives the process.
    case memory
    /// The event's status on the order's own row.
    case status(Database)
    /// A transactional outbox.
    case outbox(Database)

    /// Where orders and events are kept.
    enum Database: Sendable, Equatable {
        /// A folder; without a path a temporary one.
        case lmdb(path: String?)
        /// A file; without a path a temporary one.
        case sqlite(path: String?)
        case postgres(url: String)

        var name: String {
            switch self {
            case .lmdb: "lmdb"
            case .sqlite: "sqlite"
            case .postgres: "postgres"
            }
        }
    }

    /// The options with which another process opens the same; `nil` in memory. A database's URL may hold a password, so it
    /// is not told.
    var options: String? {
        guard let database else { return nil }
        let storage = storage == "outbox" ? "" : "--storage \(storage) "
        return switch database {
        case .lmdb(let path): storage + "--store \(path ?? "PATH")"
        case .sqlite(let path): storage + "--database sqlite --store \(path ?? "PATH")"
        case .postgres: storage + "--database postgres --database-url URL"
        }
    }

    /// The value of `--storage`.
    var storage: String {
        switch self {
        case .memory: "memory"
        case .status: "status"
        case .outbox: "outbox"
        }
    }

    /// Whether nobody else can open it.
    var isTemporary: Bool {
        switch database {
        case nil, .lmdb(nil), .sqlite(nil): true
        case .lmdb, .sqlite, .postgres: false
        }
    }

    /// `nil` in memory.
    var database: Database? {
        switch self {
        case .memory: nil
        case .status(let database), .outbox(let database): database
        }
    }
}
#endif

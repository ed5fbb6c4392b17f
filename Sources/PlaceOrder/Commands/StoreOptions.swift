#if Example
import ArgumentParser
import Foundation

/// Where orders and events are kept.
struct StoreOptions: ParsableArguments {
    enum Storage: String, ExpressibleByArgument, CaseIterable {
        case memory
        case status
        case outbox
    }

    enum Database: String, ExpressibleByArgument, CaseIterable {
        case lmdb
        case sqlite
        case postgres
    }

    @Option(help: "How events are stored (default: memory, for what an earlier process left: outbox).")
    var storage: Storage?

    @Option(help: "The database of a status column or an outbox (default: lmdb).")
    var database: Database?

    @Option(
        help: ArgumentHelp(
            "LMDB's folder or SQLite's file (default: a temporary one).", valueName: "path"))
    var store: String?

    @Option(help: ArgumentHelp("PostgreSQL, such as postgresql://shop@127.0.0.1/shop.", valueName: "url"))
    var databaseURL: String?

    @Option(
        help: ArgumentHelp(
            "How long it may be silent before others that deliver from PostgreSQL's outbox take its deliveries (default: 40s).",
            valueName: "duration"))
    var lease: DurationArgument?

    /// What is chosen by a command that may begin with nothing.
    func choice() throws -> StorageChoice { try choice(default: .memory) }

    /// What is chosen by a command whose events are kept as `other` says where nothing else is said.
    func choice(orWith other: Storage) throws -> StorageChoice { try choice(default: other) }

    /// What is chosen by a command that goes on with what another process has stored.
    /// - Throws: `ValidationError` where there is nothing that two processes could share.
    func sharedChoice() throws -> StorageChoice {
        let choice = try choice(default: .outbox)
        switch choice.database {
        case nil:
            throw ValidationError("Memory ends with its process: use --storage status or outbox.")
        case .lmdb(nil), .sqlite(nil):
            throw ValidationError("--store is needed: the path that the other process uses.")
        case .lmdb(let path?) where !OpenStore.isStore(path):
            throw ValidationError(
                "'\(path)' is no store of LMDB's; nothing was opened. A file of SQLite's needs --database sqlite.")
        case .sqlite(let path?) where !FileManager.default.fileExists(atPath: path):
            throw ValidationError("There is no database at '\(path)'; nothing was opened.")
        case .lmdb, .sqlite, .postgres:
            return choice
        }
    }

    private func choice(default other: Storage) throws -> StorageChoice {
        switch storage ?? other {
        case .status: return .status(try chosenDatabase())
        case .outbox: return .outbox(try chosenDatabase())
        case .memory:
            guard database == nil, store == nil, databaseURL == nil else {
                throw ValidationError(
                    "--database, --store and --database-url need --storage status or outbox: memory keeps nothing.")
            }
            return .memory
        }
    }

    private func chosenDatabase() throws -> StorageChoice.Database {
        let database = database ?? .lmdb
        try BuiltDatabases.check(database)
        switch database {
        case .lmdb, .sqlite:
            guard databaseURL == nil else {
                throw ValidationError("--database-url is for PostgreSQL; \(database.rawValue) has --store.")
            }
            guard lease == nil else {
                throw ValidationError("--lease is for PostgreSQL, where others may deliver meanwhile.")
            }
            return database == .lmdb ? .lmdb(path: store) : .sqlite(path: store)
        case .postgres:
            guard store == nil else {
                throw ValidationError("--store is for LMDB and SQLite; PostgreSQL has --database-url.")
            }
            guard let databaseURL else { throw ValidationError("--database postgres needs --database-url.") }
            return .postgres(url: databaseURL)
        }
    }
}

/// Which databases this program was built with.
enum BuiltDatabases {
    static func check(_ database: StoreOptions.Database) throws {
        #if !SQLite
        if database == .sqlite { throw missing("SQLite", trait: "SQLite") }
        #endif
        #if !Postgres
        if database == .postgres { throw missing("PostgreSQL", trait: "Postgres") }
        #endif
    }

    private static func missing(_ name: String, trait: String) -> ValidationError {
        ValidationError(
            "This place-order was built without \(name). Build it with: "
                + "swift build --product place-order --traits \(BuiltTraits.names(with: trait))")
    }
}

/// The package's traits that this program was built with.
enum BuiltTraits {
    private static let all: [String] = {
        var names = ["Example"]
        #if SQLite
        names.append("SQLite")
        #endif
        #if Postgres
        names.append("Postgres")
        #endif
        #if RabbitMQ
        names.append("RabbitMQ")
        #endif
        #if Kafka
        names.append("Kafka")
        #endif
        return names
    }()

    /// For a command line: those, and one more.
    static func names(with trait: String) -> String {
        (all + [trait]).joined(separator: ",")
    }
}
#endif

#if Example
import AfterCommit
import Foundation
import Logging

/// A storage that is open. This is the one place that knows which.
struct OpenStore: Sendable {
    /// How the events are kept beside the orders.
    enum Events: Sendable {
        case statusColumn
        case outbox
    }

    private let storage: any OrderStorage & PlatformStorage
    /// What was chosen, with the path of a temporary store.
    let choice: StorageChoice
    /// The folder or file of a store that goes when it is closed; `nil` for all others.
    let temporaryPath: String?
    private let end: @Sendable () async -> Void

    /// - Throws: `StorageError` for a path that cannot be a store or that another process delivers from.
    /// - Parameter lease: how long a relay on PostgreSQL may be silent; `nil` for the storage's default.
    init(_ choice: StorageChoice, lease: Duration? = nil, logger: Logger) async throws {
        switch choice {
        case .memory: self.init(InMemoryStorage(), choice) {}
        case .status(let database): self = try await Self.open(database, .statusColumn, lease, logger)
        case .outbox(let database): self = try await Self.open(database, .outbox, lease, logger)
        }
    }

    private static func open(
        _ database: StorageChoice.Database, _ events: Events, _ lease: Duration?, _ logger: Logger
    ) async throws -> Self {
        switch database {
        case .lmdb(let path):
            return try lmdb(at: path ?? temporaryPath(".lmdb"), isTemporary: path == nil, events, logger)
        case .sqlite(let path):
            return try await sqlite(at: path ?? temporaryPath(".sqlite"), isTemporary: path == nil, events, logger)
        case .postgres(let url):
            return try await postgres(at: url, events, lease, logger)
        }
    }

    init(
        _ storage: any OrderStorage & PlatformStorage, _ choice: StorageChoice, temporaryPath: String? = nil,
        end: @escaping @Sendable () async -> Void
    ) {
        self.storage = storage
        self.choice = choice
        self.temporaryPath = temporaryPath
        self.end = end
    }

    /// As the shop sees it.
    var orders: any OrderStorage { storage }
    /// As the data platform sees it.
    var platform: any PlatformStorage { storage }

    /// Whether the folder holds a store already.
    static func isStore(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/data.mdb")
    }

    private static func temporaryPath(_ suffix: String) -> String {
        FileManager.default.temporaryDirectory.appending(path: "place-order-\(UUID().uuidString)\(suffix)")
            .path(percentEncoded: false)
    }

    /// - Parameter keepsTemporary: a temporary store stays, because something in it is still to be delivered.
    func close(keepsTemporary: Bool = false) async {
        await end()
        guard let temporaryPath, !keepsTemporary else { return }
        // SQLite's log and index of it lie beside the file, and what the one who delivers from an outbox or a column has.
        let delivering = ["-aftercommit", "-aftercommit-orders"].flatMap { ["\($0).lock", "\($0).in-flight"] }
        for suffix in ["", "-wal", "-shm"] + delivering {
            try? FileManager.default.removeItem(atPath: temporaryPath + suffix)
        }
    }
}

extension OpenStore.Events {
    func choice(_ database: StorageChoice.Database) -> StorageChoice {
        switch self {
        case .statusColumn: .status(database)
        case .outbox: .outbox(database)
        }
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import Foundation
import GRDB
import Synchronization

/// The product in SQLite and its ceiling side by side, each in a database of its own on the same disk.
struct SQLiteStores {
    static let subscription = "none"

    let product: SQLiteStorage
    let bare: BareSQLite
    private let folder: URL
    private let counter: CommitCounter

    /// - Parameter isDelivered: whether what is emitted gets deliveries, in both.
    init(isDelivered: Bool) async throws {
        folder = try Scratch.folder("sqlite")
        let barePath = folder.appendingPathComponent("bare.sqlite").path
        let prepared = try await Self.open(barePath)
        if isDelivered { try await RunningEngine.leavePlace(Self.subscription, in: prepared) }
        await prepared.close()
        try prepared.database.close()
        bare = try BareSQLite(path: barePath)
        product = try await Self.open(folder.appendingPathComponent("product.sqlite").path)
        counter = CommitCounter()
        product.database.add(transactionObserver: counter)
    }

    func close() async throws {
        await product.close()
        try product.database.close()
        try bare.close()
        try Scratch.remove(folder)
    }

    func commits() -> Int { counter.count }

    private static func open(_ path: String) async throws -> SQLiteStorage {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return try await SQLiteStorage(pool)
    }
}

/// How many transactions were committed.
private final class CommitCounter: TransactionObserver, Sendable {
    private let committed = Atomic(0)

    var count: Int { committed.load(ordering: .acquiring) }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidRollback(_ db: Database) {}
    func databaseDidCommit(_ db: Database) { committed.add(1, ordering: .releasing) }
}
#endif

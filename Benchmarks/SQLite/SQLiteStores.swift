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
    private let commits: CommitCounter

    /// - Parameter isDelivered: whether what is emitted gets deliveries, in both.
    init(isDelivered: Bool) async throws {
        folder = try Scratch.folder("sqlite")
        let barePath = folder.appendingPathComponent("bare.sqlite").path
        let prepared = try await Self.open(barePath)
        if isDelivered { try await Self.register(prepared) }
        await prepared.close()
        try prepared.database.close()
        bare = try BareSQLite(path: barePath)
        product = try await Self.open(folder.appendingPathComponent("product.sqlite").path)
        let commits = CommitCounter()
        product.database.add(transactionObserver: commits)
        self.commits = commits
    }

    func close() async throws {
        await product.close()
        try product.database.close()
        try bare.close()
        try Scratch.remove(folder)
    }

    /// Runs ours, counts its commits, and runs the bare loop with as many.
    func compare(
        count: Int, _ rates: inout Rates, _ ours: () async throws -> Void,
        with ceiling: (_ commits: Int) throws -> Void
    ) async throws {
        let clock = ContinuousClock()
        let before = commits.count
        rates.ourTime += try await clock.measure { try await ours() }
        let commits = commits.count - before
        rates.bareTime += try clock.measure { try ceiling(commits) }
        rates.commits += commits
        rates.count += count
    }

    private static func open(_ path: String) async throws -> SQLiteStorage {
        let pool = try DatabasePool(path: path)
        try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return try await SQLiteStorage(pool)
    }

    /// An engine that is gone again leaves its place.
    private static func register(_ storage: SQLiteStorage) async throws {
        try await RunningEngine(storage, Subscription(subscription, to: OrderPlaced.self) { _, _ in }).stop()
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

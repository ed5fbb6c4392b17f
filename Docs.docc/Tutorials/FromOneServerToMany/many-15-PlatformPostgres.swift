import AfterCommit
import AfterCommitPostgres
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

extension PostgresTransaction: KnownOrderTransaction {
    func know(_ order: KnownOrder) throws {
        try execute(
            "INSERT INTO known_orders (id, total) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", .uuid(order.id),
            .decimal(order.total))
    }
}

extension PostgresStorage: KnownOrderStorage {
    static func openPlatform() async throws -> PostgresStorage {
        let storage = try await PostgresStorage(PostgresConfiguration(Settings.platform))
        try await storage.transaction { tx in
            try tx.execute("CREATE TABLE IF NOT EXISTS known_orders (id uuid PRIMARY KEY, total numeric NOT NULL)")
        }
        return storage
    }
}

extension Platform {
    static func run(logger: Logger) async throws {
        let storage = try await PostgresStorage.openPlatform()
        let platform = try await Platform(storage, from: try Broker.source(logger: logger), logger: logger)
        let group = ServiceGroup(
            services: [platform.engine, platform.consumer], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        try await group.run()
        let totals = await platform.consumer.totals
        print("taken \(totals.taken), known before \(totals.duplicates), unreadable \(totals.unreadable)")
        await storage.close()
    }
}

#if Postgres
import AfterCommit
import AfterCommitPostgres
import Foundation
import TestSupport

/// A private PostgreSQL that flushes its commits, started for the first chapter that needs it.
final class PostgresServer {
    private var server: PrivatePostgres?

    func makeDatabase() throws -> String {
        let server = try self.server ?? PrivatePostgres(["--durable"])
        self.server = server
        return try server.makeDatabase()
    }

    /// - Parameter isDelivered: whether what is emitted gets deliveries, in both.
    func makeStores(isDelivered: Bool) async throws -> PostgresStores {
        let (url, bareURL) = (try makeDatabase(), try makeDatabase())
        let prepared = try await Self.open(bareURL)
        if isDelivered { try await RunningEngine.leavePlace(PostgresStores.subscription, in: prepared) }
        await prepared.close()
        return PostgresStores(product: try await Self.open(url), bare: try BarePostgres(url: bareURL))
    }

    func stop() throws { try server?.stop() }

    /// - Parameter lease: longer than any attempt may take.
    static func open(_ url: String, lease: Duration = .seconds(40)) async throws -> PostgresStorage {
        try await PostgresStorage(
            try PostgresConfiguration(url), configuration: PostgresStorage.Configuration(leaseDuration: lease))
    }
}

/// The product in PostgreSQL and its ceiling side by side, each in a database of its own on the same server.
struct PostgresStores {
    static let subscription = "none"

    let product: PostgresStorage
    let bare: BarePostgres

    func close() async {
        await product.close()
        bare.close()
    }
}
#endif

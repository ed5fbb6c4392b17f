#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Logging
import Testing

@Suite struct DeliveryTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func whatIsCommittedIsDeliveredAndWhatIsRolledBackIsNot() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<OrderPlaced>()
        let engine = try await EventEngine(
            storage: storage, logger: logger,
            subscriptions: [Subscription("test", to: OrderPlaced.self) { try await handler($0, $1) }])
        let running = Task { try await engine.run() }
        try await storage.transaction { tx in
            try tx.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
            try tx.execute("INSERT INTO orders VALUES ($1)", .int64(1))
            try tx.emit(OrderPlaced(number: 1))
        }
        await #expect(throws: PostgresError.self) {
            try await storage.transaction { tx in
                try tx.emit(OrderPlaced(number: 2))
                try tx.execute("INSERT INTO orders VALUES ($1)", .int64(1))
            }
        }
        try await storage.emit(OrderPlaced(number: 3))
        try await engine.drain()
        #expect(handler.calls.map(\.event.number).sorted() == [1, 3])
        running.cancel()
        _ = await running.result
        await storage.close()
    }
}
#endif

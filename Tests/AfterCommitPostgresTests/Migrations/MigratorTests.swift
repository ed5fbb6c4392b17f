#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import TestSupport
import Testing

@Suite struct MigratorTests {
    private let all = Migrator(migrations: PostgresStorage.migrations)
    private let first = Migrator(migrations: Array(PostgresStorage.migrations.prefix(1)))

    private func applied(_ database: TestDatabase) async throws -> [Int32] {
        try await database.run { session in
            try session.execute("SELECT number FROM aftercommit_migrations ORDER BY number").map { try $0.int32(0) }
        }
    }

    private func code(_ body: () async throws -> Void) async throws -> StorageError.Code {
        do {
            try await body()
        } catch let error as StorageError {
            return error.code
        }
        throw NothingThrown()
    }

    @Test func whatIsMissingIsAppliedOnce() async throws {
        let database = try await TestDatabase()
        let pool = try database.pool()
        try await first.prepare(pool, applies: true)
        #expect(try await applied(database) == [1])
        for _ in 0..<2 { try await all.prepare(pool, applies: true) }
        #expect(try await applied(database) == PostgresStorage.migrations.map { Int32($0.number) })
        try await all.prepare(pool, applies: false)
        await pool.close()
    }

    @Test func severalAtOnceApplyEachOnce() async throws {
        let database = try await TestDatabase()
        let pool = try database.pool(maxConnections: 6)
        try await withThrowingTaskGroup { group in
            for _ in 0..<6 { group.addTask { try await all.prepare(pool, applies: true) } }
            try await group.waitForAll()
        }
        #expect(try await applied(database) == PostgresStorage.migrations.map { Int32($0.number) })
        await pool.close()
    }

    @Test func aCheckSaysWhatIsMissingAndChangesNothing() async throws {
        let database = try await TestDatabase()
        let pool = try database.pool()
        #expect(try await code { try await all.prepare(pool, applies: false) } == .unsuitablePath)
        let isThere = try await database.run {
            try $0.execute("SELECT to_regclass('aftercommit_migrations') IS NOT NULL").first().bool(0)
        }
        #expect(!isThere)
        try await first.prepare(pool, applies: true)
        #expect(try await code { try await all.prepare(pool, applies: false) } == .unsuitablePath)
        await pool.close()
    }

    @Test(arguments: [true, false])
    func aNewerFormatIsRefusedAndUntouched(applies: Bool) async throws {
        let database = try await TestDatabase()
        let pool = try database.pool()
        try await first.prepare(pool, applies: true)
        try await database.run {
            _ = try $0.execute("INSERT INTO aftercommit_migrations (number, name) VALUES (99, 'x')")
        }
        #expect(try await code { try await all.prepare(pool, applies: applies) } == .formatTooNew)
        #expect(try await applied(database) == [1, 99])
        await pool.close()
    }

    @Test func theScriptDoesTheSame() async throws {
        let database = try await TestDatabase()
        try await database.run { try $0.executeScript(PostgresStorage.schema) }
        let pool = try database.pool()
        try await all.prepare(pool, applies: false)
        await pool.close()
    }

    @Test func oneThatFailsLeavesNothing() async throws {
        let database = try await TestDatabase()
        let pool = try database.pool()
        let broken = Migrator(migrations: [
            PostgresMigration(number: 1, name: "right", sql: "CREATE TABLE a (id int);"),
            PostgresMigration(number: 2, name: "wrong", sql: "CREATE TABLE b (id int); SELEC"),
        ])
        #expect(try await postgresError { try await broken.prepare(pool, applies: true) }.sqlState == "42601")
        let left = try await database.run {
            try $0.execute("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'b', 'aftercommit_migrations')")
                .first().int64(0)
        }
        #expect(left == 0)
        // The connection has suffered nothing.
        try await all.prepare(pool, applies: true)
        await pool.close()
    }
}
#endif

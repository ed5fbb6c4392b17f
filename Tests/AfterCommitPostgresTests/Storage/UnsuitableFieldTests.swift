#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

/// What PostgreSQL cannot keep is refused where it is emitted, by its name.
@Suite struct UnsuitableFieldTests {
    private struct Case: Sendable {
        var field: String
        var event = OrderPlaced(number: -1)
        var options = EmitOptions()
    }

    private static let cases = [
        Case(field: "orderingKey", event: OrderPlaced(number: -1, orderingKey: "a\0b")),
        Case(field: "headers.tenant", options: EmitOptions(headers: ["tenant": "a\0b"])),
        Case(field: "deduplicationKey", options: EmitOptions(deduplicationKey: "a\0b")),
    ]

    private func field(_ body: () async throws -> Void) async throws -> String? {
        do {
            try await body()
        } catch let error as EmitError {
            #expect(error.code == .unsuitableField)
            return error.field
        }
        throw NothingThrown()
    }

    private func numbers(_ database: TestDatabase) async throws -> [Int64] {
        try await database.run { session in
            try session.execute("SELECT (payload->>'number')::bigint FROM outbox_events ORDER BY 1").map {
                try $0.int64(0)
            }
        }
    }

    @Test func othersOfTheSameMomentAreStored() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await withThrowingTaskGroup { group in
            for number in 0..<200 {
                group.addTask {
                    _ = try await storage.emit(contentsOf: [OrderPlaced(number: number)], options: .init())
                }
                let bad = Self.cases[number % Self.cases.count]
                group.addTask {
                    let field = try await self.field {
                        try await storage.emit(contentsOf: [bad.event], options: bad.options)
                    }
                    #expect(field == bad.field)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await numbers(database) == Array(0..<200))
        await storage.close()
    }

    @Test func aTransactionCanGoOn() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        try await storage.transaction { tx in
            for bad in Self.cases {
                let error = #expect(throws: EmitError.self) { try tx.emit(bad.event, options: bad.options) }
                #expect(error?.field == bad.field)
            }
            try tx.emit(OrderPlaced(number: 1))
        }
        #expect(try await numbers(database) == [1])
        await storage.close()
    }

    @Test func aHandlersContextRefusesItToo() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let attempts = Mutex(0)
        let fields = Mutex<[String?]>([])
        let subscription = Subscription("test", to: OrderPlaced.self) { event, context in
            guard event.number == 0 else { return }
            attempts.withLock { $0 += 1 }
            for bad in Self.cases.prefix(2) {
                do {
                    try context.emit(bad.event, options: bad.options)
                } catch let error as EmitError {
                    fields.withLock { $0.append(error.field) }
                }
            }
            try context.emit(OrderPlaced(number: 1))
        }
        try await running(storage, [subscription]) { engine in
            try await engine.emit(OrderPlaced(number: 0))
            try await engine.drain()
        }
        #expect(attempts.withLock(\.self) == 1)
        #expect(fields.withLock(\.self) == ["orderingKey", "headers.tenant"])
        #expect(try await numbers(database) == [0, 1])
        await storage.close()
    }

    @Test(arguments: [1e14, -1e14, .infinity, .nan])
    func aDateThatIsNoneIsRefused(seconds: Double) throws {
        var envelope = try Self.emission(1).envelope
        try Emission(envelope: envelope).checkStorable()
        envelope.time = Date(timeIntervalSince1970: seconds)
        let error = #expect(throws: EmitError.self) { try Emission(envelope: envelope).checkStorable() }
        #expect(error?.field == "time")
    }

    private struct LongNamed: Event {
        static let type = EventType(rawValue: "order." + String(repeating: "t", count: 400))
        var orderingKey: String? = String(repeating: "k", count: EnvelopeFactory.maxOrderingKeyBytes)
    }

    @Test func theLongestKeyAndLongNamesAreStored() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        let handler = RecordingHandler<LongNamed>()
        let subscriptions = [
            Subscription("test", to: LongNamed.self) { try await handler($0, $1) },
            Subscription("emits", to: OrderPlaced.self) { _, context in try context.emit(LongNamed()) },
        ]
        try await running(storage, subscriptions) { engine in
            try await engine.emit(LongNamed())
            _ = try await storage.transaction { try $0.emit(LongNamed()) }
            try await engine.emit(LongNamed(), at: Date() + 0.2)
            try await engine.emit(OrderPlaced(number: 0))
            try await engine.drain(includingDelayed: true)
            #expect(handler.calls.count == 4)
        }
        await storage.close()
    }

    @Test func aKeyThatIsTooLongIsRefusedWhoeverMadeTheEnvelope() async throws {
        let database = try await TestDatabase()
        let storage = try await database.storage()
        var envelope = try Self.emission(1).envelope
        envelope.contentType = "application/json; profile=" + String(repeating: "p", count: 400)
        let room = try await storage.reserveRoom(for: 2)
        try await storage.emit([Emission(envelope: envelope)], into: room)
        envelope.orderingKey = String(repeating: "k", count: EnvelopeFactory.maxOrderingKeyBytes + 1)
        let error = await #expect(throws: EmitError.self) {
            try await storage.emit([Emission(envelope: envelope)], into: room)
        }
        #expect(error?.code == .orderingKeyTooLong)
        #expect(try await numbers(database) == [1])
        await storage.close()
    }

    @Test func whatTheFactorySaysIsLookedAt() async throws {
        let database = try await TestDatabase()
        let storage = try await PostgresStorage(
            PostgresConfiguration(database.url), envelopes: EnvelopeFactory(source: "/a\0"))
        let found = try await field { try await storage.emit(contentsOf: [OrderPlaced(number: 1)], options: .init()) }
        #expect(found == "source")
        await storage.close()
    }

    // MARK: The batch

    private static func emission(_ number: Int) throws -> Emission {
        try EnvelopeFactory().emission(
            OrderPlaced(number: number, orderingKey: "\(number)"), options: EmitOptions(), form: .bytes)
    }

    /// Lets many wait while one is under way, so that they share the next statement.
    private func outcomes(
        _ count: Int, failing failure: @escaping @Sendable ([Emission]) -> (any Error)?
    ) async throws -> (failed: Int, statements: Int) {
        let statements = Mutex(0)
        let gate = Latch()
        let batcher = EmitBatcher { emissions in
            if emissions.contains(where: { $0.envelope.orderingKey == "0" }) { return await gate.wait() }
            statements.withLock { $0 += 1 }
            if let error = failure(emissions) { throw error }
        }
        let failed = try await withThrowingTaskGroup(of: Bool.self) { group in
            let emissions = try (0...count).map { try Self.emission($0) }
            for emission in emissions {
                group.addTask {
                    do {
                        try await batcher.emit([emission])
                        return false
                    } catch {
                        return true
                    }
                }
                if emission.envelope.orderingKey == "0" { for _ in 0..<1_000 { await Task.yield() } }
            }
            for _ in 0..<10_000 { await Task.yield() }
            gate.open()
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        return (failed, statements.withLock(\.self))
    }

    @Test func oneThatTheServerRefusesFailsNoOther() async throws {
        let refused = PostgresError(sqlState: "23514", message: "refused")
        let (failed, _) = try await outcomes(20) { emissions in
            emissions.contains { $0.envelope.orderingKey == "7" } ? refused : nil
        }
        #expect(failed == 1)
    }

    @Test func aServerThatIsAwayIsAskedOnceForAll() async throws {
        let (failed, statements) = try await outcomes(20) { _ in StorageError(.systemFailure, "away") }
        #expect(failed == 20)
        #expect(statements < 20)
    }
}
#endif

#if SQLite
import AfterCommit
import AfterCommitSQLite
import AfterCommitTesting
import Foundation
import GRDB
import Logging
import Testing

/// A full disk, as SQLite tells of it.
@Suite(.timeLimit(.minutes(1))) struct FaultFullDiskTests {
    @Test("Fault 4: a database that cannot grow refuses emits, keeps what it acknowledged, settles, and goes on")
    func aDatabaseThatCannotGrow() async throws {
        try await withStorage { storage, pool in
            try await storage.attach()
            storage.detach()
            try await limit(pool, pages: 64)
            var acknowledged: [Int] = []
            var refusal: (any Error)?
            let filler = String(repeating: "x", count: 1_500)
            for first in stride(from: 0, to: 4_000, by: 8) where refusal == nil {
                // Concurrent, so that they share transactions.
                let emits = (first..<first + 8).map { number in
                    Task {
                        _ = try await storage.emit(OrderPlaced(number: number), headers: ["filler": filler])
                        return number
                    }
                }
                for emit in emits {
                    switch await emit.result {
                    case .success(let number): acknowledged.append(number)
                    case .failure(let error): refusal = error
                    }
                }
            }
            let error = try #require(refusal as? StorageError)
            #expect(error.code == .storageFull)
            #expect(error.message.contains("disk is full"))
            #expect(acknowledged.count > 20)

            let handler = RecordingHandler<OrderPlaced>()
            let engine = try await EventEngine(
                storage: storage, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                subscriptions: [Subscription("ledger", to: OrderPlaced.self) { try await handler($0, $1) }])
            let running = Task { try await engine.run() }
            try await engine.drain()
            #expect(handler.calls.map(\.event.number).sorted() == acknowledged.sorted())
            let counts = try await storage.counts(subscription: "ledger")
            #expect(counts.pending + counts.retrying + counts.deadLettered == 0)

            try await limit(pool, pages: 100_000)
            try await engine.emit(OrderPlaced(number: -1))
            try await engine.drain()
            #expect(handler.calls.last?.event.number == -1)
            running.cancel()
            try await running.value
        }
    }

    private func limit(_ pool: DatabasePool, pages: Int) async throws {
        try await pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
    }
}
#endif

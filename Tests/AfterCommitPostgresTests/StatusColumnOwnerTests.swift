#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import AfterCommitTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// The right to deliver from a status column: who has it, and what it keeps others from.
@Suite(.timeLimit(.minutes(2))) struct StatusColumnOwnerTests {
    @Test func aMarkedRowThatSomebodyHasLockedHoldsUpNothing() async throws {
        let database = try await TestDatabase.withOrders()
        let storage = try await database.column(pollInterval: .milliseconds(50))
        try await database.run { _ = try $0.execute("UPDATE orders SET event_status = 'pending'").count }
        let (isLocked, mayEnd) = (Latch(), DispatchSemaphore(value: 0))
        let locking = Task {
            try await database.run { session in
                try session.execute("BEGIN")
                try session.execute("SELECT FROM orders WHERE number = 100 FOR UPDATE")
                isLocked.open()
                mayEnd.wait()
                try session.commit([])
            }
        }
        await isLocked.wait()
        try await storage.attach()
        #expect(try await storage.claimNumbers() == [101])
        mayEnd.signal()
        try await locking.value
        #expect(try await eventually { try await storage.claimNumbers() == [100] })
        await storage.close()
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite struct InboxDamageTests {
    @Test("Fault 13: a damaged inbox record fails its own key, until it is forgotten, and no other")
    func damagedRecord() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            #expect(try await storage.once("damaged") { _ in })
            #expect(try await storage.once("whole") { _ in })
            try await storage.damage(Array("damaged".utf8)) { $0.handles.snapshot["aftercommit.inbox"] ?? 0 }
            // Whether its work was done cannot be told.
            let error = await #expect(throws: StorageError.self) { try await storage.once("damaged") { _ in } }
            #expect(error?.code == .corrupted)
            clock.advance(by: 7 * 86_400 + 1)
            #expect(try await storage.once("other") { _ in })
            #expect(try await storage.once("damaged") { _ in })
            #expect(try await !storage.once("damaged") { _ in })
        }
    }
}
#endif

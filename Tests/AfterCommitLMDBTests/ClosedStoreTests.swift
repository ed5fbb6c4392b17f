#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging
import Testing

private struct Noted: Event {
    static let type: EventType = "noted"
}

@Suite struct ClosedStoreTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func engine(_ storage: LMDBStorage) async throws -> EventEngine {
        try await EventEngine(
            storage: storage, logger: quiet, subscriptions: [Subscription("s", to: Noted.self) { _, _ in }])
    }

    @Test(.timeLimit(.minutes(1))) func anEngineEndsWithTheErrorWhenItsStoreIsClosed() async throws {
        try await withFolder { path in
            let storage = try LMDBStorage(path: path)
            let engine = try await engine(storage)
            try await engine.emit(Noted())
            await storage.close()
            let drained = await #expect(throws: StorageError.self) { try await engine.drain() }
            #expect(drained?.code == .closed)
        }
    }

    @Test(.timeLimit(.minutes(1))) func runEndsWithTheErrorToo() async throws {
        try await withFolder { path in
            let storage = try LMDBStorage(path: path)
            let engine = try await engine(storage)
            try await engine.emit(Noted())
            await storage.close()
            let ran = await #expect(throws: StorageError.self) { try await engine.run() }
            #expect(ran?.code == .closed)
        }
    }

    @Test func aStoreThatWasReleasedOpensOnlyAfterItsEnvironmentIsClosed() async throws {
        try await withFolder { path in
            for _ in 0..<50 {
                // Released without `close()`: until its threads have ended the store counts as open.
                var storage: LMDBStorage?
                while storage == nil {
                    do {
                        storage = try LMDBStorage(path: path)
                    } catch let error as StorageError where error.code == .alreadyOpen {
                        await Task.yield()
                    }
                }
                try await storage?.emit(Noted(), headers: [:])
                storage = nil
            }
        }
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("closed-\(UUID()).lmdb")
        try await body(folder.path)
        try FileManager.default.removeItem(at: folder)
    }
}
#endif

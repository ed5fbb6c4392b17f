import AfterCommit
import Foundation
import Testing

@Suite struct InMemoryStorageTests {
    @Test func tablesKeepTheOrderOfKeys() async throws {
        let storage = InMemoryStorage()
        let table = Table<UInt64, String>("numbers")
        try await storage.transaction { tx in
            for number: UInt64 in [300, 2, 70_000, 1] { try tx.put("\(number)", for: number, in: table) }
        }
        let page = try await storage.read { try $0.entries(in: table, after: nil, limit: 2).map(\.value) }
        #expect(page == ["1", "2"])
        let rest = try await storage.read { try $0.entries(in: table, after: 2, limit: 10).map(\.value) }
        #expect(rest == ["300", "70000"])
        #expect(try await storage.read { try $0.count(of: table) } == 4)
    }

    @Test func refusesWhatATableCannotHold() async throws {
        let storage = InMemoryStorage()
        let table = Table<String, String>("texts")
        await #expect(throws: StorageError.self) {
            try await storage.transaction { try $0.put("x", for: "", in: table) }
        }
        await #expect(throws: StorageError.self) {
            try await storage.transaction { try $0.put("x", for: String(repeating: "k", count: 401), in: table) }
        }
        try await storage.transaction { try $0.insert("x", for: "a", in: table) }
        let error = await #expect(throws: StorageError.self) {
            try await storage.transaction { try $0.insert("y", for: "a", in: table) }
        }
        #expect(error?.code == .duplicateKey)
        await #expect(throws: StorageError.self) {
            try await storage.transaction { try $0.put(1, for: "a", in: Table<String, Int>("texts")) }
        }
    }

    @Test func rawTablesKeepBytes() async throws {
        let storage = InMemoryStorage()
        let table = Table<Data, Data>.raw("raw")
        let bytes = Data([0, 255, 10, 13])
        try await storage.transaction { try $0.put(bytes, for: bytes, in: table) }
        #expect(try await storage.read { try $0.value(for: bytes, in: table) } == bytes)
        let removed = try await storage.transaction { try $0.removeValue(for: bytes, in: table) }
        #expect(removed)
        #expect(try await storage.read { try $0.value(for: bytes, in: table) } == nil)
    }
}

#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite struct StoreTests {
    @Test func reopenKeepsEverything() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            let id = try await storage.transaction { tx in
                try tx.put(Order(number: 1, total: 2), for: 1, in: orders)
                return try tx.emit(OrderPlaced(number: 1))
            }
            await storage.close()
            storage = try open(path)
            _ = try await storage.attach()
            let batch = try await storage.claim()
            #expect(batch.deliveries.map(\.envelope.id) == [id])
            #expect(batch.deliveries.first?.envelope.time == FixedWallClock().now())
            let order = try await storage.read { try $0.value(for: 1, in: orders) }
            #expect(order == Order(number: 1, total: 2))
            // The wall clock stands still, and the ids still grow.
            let next = try await storage.emit(contentsOf: [OrderPlaced(number: 2)], headers: [:])
            #expect(next[0] > id)
            #expect(try await storage.claim().deliveries.map(\.sequence) == [2])
            await storage.close()
        }
    }

    @Test func storeIsPrivate() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            let manager = FileManager.default
            func mode(_ path: String) throws -> Int? {
                try manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            #expect(try mode(storage.folder) == 0o700)
            for file in try manager.contentsOfDirectory(atPath: storage.folder) {
                #expect(try mode(storage.folder + "/" + file) == 0o600, "\(file)")
            }
            let parent = URL(fileURLWithPath: storage.folder).deletingLastPathComponent().path
            #expect(try manager.contentsOfDirectory(atPath: parent) == ["test.lmdb"])
        }
    }

    @Test func aStorageThatIsNotClosedReleasesTheStore() async throws {
        try await withStorePath { path in
            do {
                let storage = try open(path)
                try await storage.emit([1])
            }
            // Its threads end by themselves; the store is free after them.
            var reopened: LMDBStorage?
            while reopened == nil {
                reopened = try? open(path)
                await Task.yield()
            }
            await reopened?.close()
        }
    }

    @Test func closedStorageSaysSo() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            await storage.close()
            await storage.close()
            var error = await #expect(throws: StorageError.self) { try await storage.emit([1]) }
            #expect(error?.code == .closed)
            error = await #expect(throws: StorageError.self) { try await storage.read { _ in } }
            #expect(error?.code == .closed)
            error = await #expect(throws: StorageError.self) { try await storage.attach() }
            #expect(error?.code == .closed)
        }
    }

    @Test func closeFinishesWhatWaits() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            let (started, continuation) = AsyncStream<Void>.makeStream()
            let gate = Gate()
            let first = Task {
                try await storage.transaction { tx in
                    continuation.finish()
                    gate.wait()
                    try tx.emit(OrderPlaced(number: 1))
                }
            }
            for await _ in started {}
            let close = Task { await storage.close() }
            gate.open()
            try await first.value
            await close.value
            let reopened = try open(path)
            let tail = try await reopened.reader.run { context in
                let transaction = try context.environment.beginRead()
                defer { transaction.abort() }
                return try context.log(transaction).tail()
            }
            #expect(tail == 2)
            await reopened.close()
        }
    }

    // MARK: Tables

    @Test func tableKeysAndTypesAreChecked() async throws {
        try await withStorage { storage in
            let names = Table<String, Data>.raw("names")
            let empty = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.put(Data(), for: "", in: names) }
            }
            #expect(empty?.code == .keyLength)
            let long = await #expect(throws: StorageError.self) {
                try await storage.transaction {
                    try $0.put(Data(), for: String(repeating: "a", count: 401), in: names)
                }
            }
            #expect(long?.code == .keyLength)
            try await storage.transaction {
                try $0.put(Data([7]), for: String(repeating: "a", count: 400), in: names)
            }
            let other = await #expect(throws: StorageError.self) {
                try await storage.read { try $0.count(of: Table<UInt64, Data>.raw("names")) }
            }
            #expect(other?.code == .invalidTable)
            let tooLong = Table<UInt64, Data>.raw(String(repeating: "n", count: 201))
            let name = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.put(Data(), for: 1, in: tooLong) }
            }
            #expect(name?.code == .invalidTable)
        }
    }

    @Test func entriesAreSortedAndPaged() async throws {
        try await withStorage { storage in
            let table = Table<UInt64, Data>.raw("raw")
            try await storage.transaction { tx in
                for key in [UInt64.max, 3, 256, 1] { try tx.put(Data([UInt8(key & 0xFF)]), for: key, in: table) }
                try tx.put(Data(count: 100_000), for: 2, in: table)
            }
            let first = try await storage.read { try $0.entries(in: table, after: nil, limit: 2).map(\.key) }
            #expect(first == [1, 2])
            let rest = try await storage.read { try $0.entries(in: table, after: 2, limit: 9).map(\.key) }
            #expect(rest == [3, 256, .max])
            let large = try await storage.read { try $0.value(for: 2, in: table) }
            #expect(large == Data(count: 100_000))
            let removed = try await storage.transaction { tx in
                (try tx.removeValue(for: 3, in: table), try tx.removeValue(for: 3, in: table))
            }
            #expect(removed == (true, false))
            let duplicate = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.insert(Data(), for: 1, in: table) }
            }
            #expect(duplicate?.code == .duplicateKey)
        }
    }

    @Test func tooManyTablesAreRefused() async throws {
        try await withStorage(configuration: .init(maxTables: 2)) { storage in
            for name in ["a", "b"] {
                try await storage.transaction { try $0.put(Data(), for: 1, in: Table<UInt64, Data>.raw(name)) }
            }
            let error = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.put(Data(), for: 1, in: Table<UInt64, Data>.raw("c")) }
            }
            #expect(error?.code == .invalidTable)
            try await storage.emit([1])
        }
    }
}
#endif

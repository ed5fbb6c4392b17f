#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(2))) struct FaultBackupTests {
    @Test("Fault 46: a backup made while writing is one moment's whole store, and delivers", arguments: [true, false])
    func backupWhileWriting(compacting: Bool) async throws {
        try await withStorePath { path in
            let storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(0..<2_000)
            let settled = try await storage.claim(limit: 500).deliveries.map(\.sequence)
            _ = try await storage.settle(SettlementBatch(subscription: "ledger", delivered: settled))
            let writing = Task {
                var number = 2_000
                while !Task.isCancelled {
                    let next = number
                    do {
                        try await storage.transaction { tx in
                            try tx.put(Order(number: next, total: 1), for: UInt64(next), in: orders)
                            try tx.emit(OrderPlaced(number: next))
                        }
                        number += 1
                    } catch is CancellationError {
                        // It was still queued.
                    }
                }
                return number
            }
            let backup = path + ".backup"
            try await storage.backup(to: backup, compacting: compacting)
            writing.cancel()
            let end = try await writing.value
            #expect(
                try Set(FileManager.default.contentsOfDirectory(atPath: (path as NSString).deletingLastPathComponent))
                    == ["test.lmdb", "test.lmdb.backup"])
            let again = await #expect(throws: StorageError.self) { try await storage.backup(to: backup) }
            #expect(again?.code == .unsuitablePath)
            // The copy is opened beside the original: it is a store of its own.
            let restored = try open(backup)
            #expect(restored.context.identity != storage.context.identity)
            _ = try await restored.attach()
            let numbers = try restored.numbers(try await restored.claim(limit: 100_000))
            #expect(numbers == Array(500..<500 + numbers.count))
            #expect((1_500...end - 500).contains(numbers.count))
            let rows = try await restored.read { try $0.count(of: orders) }
            #expect(rows == numbers.count - 1_500)
            try await restored.emit([7])
            #expect(try restored.numbers(try await restored.claim()) == [7])
            #expect(try await restored.check().isSound)
            await restored.close()
            await storage.close()
            let report = try await LMDBStorage.check(path: backup)
            #expect(report.isSound && report.isStructureChecked, "\(report.damages)")
        }
    }

    @Test("Fault 46: an old backup in the place of the store, under a newer in-flight file, delivers again")
    func oldBackupRestored() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(1...3)
            let backup = path + ".backup"
            try await storage.backup(to: backup)
            try await storage.emit(4...9)
            let claimed = try await storage.claim().deliveries
            _ = try await storage.settle(
                SettlementBatch(subscription: "ledger", delivered: claimed.map(\.sequence)))
            let identity = storage.context.identity
            let last = try storage.context.environment.lastTransactionID()
            await storage.close()
            let (file, _) = try InFlightFile.open(
                path: path + "/in-flight", identity: identity, bootID: "boot", storePosition: UInt64(last))
            file.lanes(of: 1).began(3, lane: 0)
            try FileManager.default.removeItem(atPath: path + "/data.mdb")
            try FileManager.default.copyItem(atPath: backup + "/data.mdb", toPath: path + "/data.mdb")
            storage = try open(path)
            let restored = try InFlightFile.open(
                path: path + "/in-flight", identity: storage.context.identity, bootID: "boot",
                storePosition: UInt64(try storage.context.environment.lastTransactionID()))
            #expect(restored.suspects.isEmpty)
            _ = try await storage.attach()
            #expect(try storage.numbers(try await storage.claim()) == [1, 2, 3])
            await storage.close()
        }
    }

    @Test func backupNeedsAPlaceOfItsOwn() async throws {
        try await withStorage { storage in
            for path in ["", storage.path, storage.path + "/no/such/parent"] {
                let error = await #expect(throws: StorageError.self) { try await storage.backup(to: path) }
                #expect(error?.code == .unsuitablePath)
            }
        }
    }
}
#endif

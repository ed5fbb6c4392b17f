#if LMDB
import AfterCommit
import AfterCommitTesting
import Foundation
import TestSupport
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(2))) struct FaultStoreTests {
    @Test("Fault 11: one store is not opened twice in a process") func openTwiceInOneProcessIsRefused() async throws {
        try await withStorage { storage in
            let error = #expect(throws: StorageError.self) { try open(storage.folder) }
            #expect(error?.code == .alreadyOpen)
        }
    }

    @Test("Fault 14: a truncated file is refused with both sizes") func truncatedFileIsRefusedWithBothSizes()
        async throws
    {
        try await withStorePath { path in
            let storage = try open(path)
            try await storage.emit(1...2_000)
            await storage.close()
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/data.mdb"))
            try file.truncate(atOffset: 40_000)
            try file.close()
            let error = #expect(throws: StorageError.self) { try open(path) }
            #expect(error?.code == .corrupted)
            #expect(error?.message.contains("40000") == true)
        }
    }

    @Test("Fault 14: a file cut down to its first pages is refused", arguments: [0, 10, 100, 4_096, 8_000])
    func cutToTheMetaPagesIsRefused(size: UInt64) async throws {
        try await withStorePath { path in
            await (try open(path)).close()
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/data.mdb"))
            try file.truncate(atOffset: size)
            try file.close()
            #expect(throws: StorageError.self) { try open(path) }
        }
    }

    @Test("Fault 16: links are not followed") func linksAreNotFollowed() async throws {
        try await withStorePath { path in
            await (try open(path)).close()
            try FileManager.default.createSymbolicLink(atPath: path + ".link", withDestinationPath: path)
            let error = #expect(throws: StorageError.self) { try open(path + ".link") }
            #expect(error?.code == .unsuitablePath)
        }
    }

    @Test("Fault 16: what others may write to is refused with its mode", arguments: ["", "/data.mdb"])
    func worldWritableIsRefusedWithItsMode(part: String) async throws {
        try await withStorePath { path in
            await (try open(path)).close()
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path + part)
            let error = #expect(throws: StorageError.self) { try open(path) }
            #expect(error?.code == .unsuitablePath)
            #expect(error?.message.contains("0777") == true)
        }
    }

    @Test("Fault 15: what is not a store is refused") func whatIsNotAStoreIsRefused() async throws {
        try await withStorePath { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try Data("notes".utf8).write(to: URL(fileURLWithPath: path + "/notes.txt"))
            #expect(code(#expect(throws: StorageError.self) { try open(path) }) == .unsuitablePath)
            try Data(count: 100_000).write(to: URL(fileURLWithPath: path + "/data.mdb"))
            #expect(code(#expect(throws: StorageError.self) { try open(path) }) == .unsuitablePath)
            #expect(code(#expect(throws: StorageError.self) { try open(path + "/no/such") }) == .unsuitablePath)
        }
    }

    @Test(
        "Fault 16: another user's folder is refused",
        .enabled(if: geteuid() == 0, "SKIPPED: only root gives folders away"))
    func foreignFolder() async throws {
        try await withStorePath { path in
            await (try open(path)).close()
            #expect(chown(path, 65_534, 65_534) == 0)
            let error = #expect(throws: StorageError.self) { try open(path) }
            #expect(error?.code == .unsuitablePath)
            #expect(error?.message.contains("65534") == true)
        }
    }

    // MARK: Formats

    /// Makes a store look as version `format` wrote it.
    private func write(format: UInt8, keepingIdentity: Bool, _ storage: LMDBStorage) async throws {
        let meta = storage.context.databases.meta
        try await storage.write(
            WriteRequest(bytes: 1) { group in
                try withKey("format") { key throws(StorageError) in
                    try group.transaction.put(key, in: meta, content: [format, 0, 0, 0])
                }
                if !keepingIdentity {
                    _ = try withKey("id") { key throws(StorageError) in try group.transaction.delete(key, in: meta) }
                }
            })
    }

    @Test("Fault 15: a newer format is refused and its file is untouched")
    func newerFormat() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            try await storage.emit(1...5)
            try await write(format: 9, keepingIdentity: true, storage)
            await storage.close()
            let url = URL(fileURLWithPath: path + "/data.mdb")
            let before = try Data(contentsOf: url)
            let error = #expect(throws: StorageError.self) { try open(path) }
            #expect(error?.code == .formatTooNew)
            #expect(error?.message.contains("format 9") == true)
            #expect(error?.message.contains("knows \(StoreFormat.newest)") == true)
            #expect(try Data(contentsOf: url) == before)
        }
    }

    @Test("Fault 15: an older store is not migrated under another process")
    func migrationWaitsForOthers() async throws {
        try await withStorePath { path in
            let other = try Probe("attach", path)
            #expect(await other.tells("attached"))
            var storage = try open(path)
            try await write(format: 1, keepingIdentity: false, storage)
            await storage.close()
            let error = #expect(throws: StorageError.self) { try open(path) }
            #expect(error?.code == .storeBusy)
            #expect(error?.processID == other.id)
            try other.endInput()
            #expect(await other.end() == 0)
            storage = try open(path)
            await storage.close()
        }
    }

    @Test func migrationsAreStepsInOrder() throws {
        func step(_ version: UInt32) -> StoreFormat.Step { .init(from: version) { _, _ in } }
        let steps = [step(2), step(1), step(3)]
        #expect(try StoreFormat.plan(from: 1, to: 4, newest: 4, steps: steps).map(\.from) == [1, 2, 3])
        #expect(try StoreFormat.plan(from: 4, to: 4, newest: 4, steps: steps).isEmpty)
        #expect(
            code(#expect(throws: StorageError.self) { try StoreFormat.plan(from: 5, to: 4, newest: 4, steps: steps) })
                == .formatTooNew)
        #expect(
            code(#expect(throws: StorageError.self) { try StoreFormat.plan(from: 0, to: 4, newest: 4, steps: steps) })
                == .corrupted)
    }

    // MARK: Crashes and readers

    private static let strace = "/usr/bin/strace"

    @Test(
        "Fault 3: a crash while the store is made leaves nothing in its way",
        .enabled(
            if: (try? run(strace, "-qq", "-o", "/dev/null", "/bin/true")) != nil,
            "SKIPPED: strace is missing or may not trace here"),
        arguments: ["mkdir", "ftruncate", "pwrite64", "fdatasync", "fsync", "rename"])
    func crashWhileCreating(call: String) async throws {
        try await withStorePath { path in
            for count in 1...3 {
                let probe = try Probe(
                    ["emit", path, "a", "0"],
                    wrapper: [
                        Self.strace, "-qq", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                        "inject=\(call):signal=KILL:when=\(count)",
                    ])
                _ = await probe.rest()
                _ = await probe.end()
                let storage = try open(path)
                try await storage.emit([1])
                await storage.close()
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }

    @Test("Fault 8: the place of a reader that died is freed, at open and every minute")
    func deadReader() async throws {
        try await withStorePath { path in
            func dieReading() async throws {
                let probe = try Probe("die-reading", path)
                #expect(await probe.tells("reading"))
                _ = await probe.end()
            }
            let clock = ManualClock()
            var storage = try LMDBStorage(path: path, clock: clock)
            try await storage.emit([1])
            try await dieReading()
            try await storage.emit([2])
            #expect(try storage.context.environment.clearDeadReaders() == 1)
            try await dieReading()
            clock.advance(by: .seconds(61))
            try await storage.emit([3])
            #expect(try storage.context.environment.clearDeadReaders() == 0)
            try await dieReading()
            await storage.close()
            storage = try open(path)
            #expect(try storage.context.environment.clearDeadReaders() == 0)
            await storage.close()
        }
    }

    @Test("Fault 9: a long export in pages keeps no page from being used again")
    func longRead() async throws {
        try await withStorage { storage in
            let rows = Table<UInt64, Data>.raw("rows")
            try await storage.transaction { tx in
                for key in UInt64(0)..<3_000 { try tx.put(Data(count: 300), for: key, in: rows) }
            }
            let before = try storage.context.environment.highWaterBytes()
            var exported: [UInt64] = []
            while true {
                let last = exported.last
                let page = try await storage.read { try $0.entries(in: rows, after: last, limit: 20).map(\.key) }
                if page.isEmpty { break }
                exported += page
                // All of the table is written anew meanwhile, some hundred times in all.
                try await storage.transaction { tx in
                    for key in stride(from: UInt64(0), to: 3_000, by: 10) {
                        try tx.put(Data(count: 300), for: key, in: rows)
                    }
                }
            }
            #expect(exported == Array(0..<3_000))
            #expect(try storage.context.environment.highWaterBytes() < 4 * before)
        }
    }

    @Test("Fault 5: a map that was reserved too small grows, up to the limit")
    func mapGrows() async throws {
        let configuration = LMDBStorage.Configuration(maxBytes: 24 << 20, mapReserveBytes: 1 << 20)
        try await withStorage(configuration: configuration) { storage in
            _ = try await storage.attach()
            let filler = String(repeating: "x", count: 1_000)
            var count = 0
            var refusal: StorageError?
            while refusal == nil, count < 100_000 {
                do {
                    try await storage.emit(
                        contentsOf: (0..<100).map { OrderPlaced(number: count + $0, filler: filler) }, headers: [:])
                    count += 100
                } catch let error as StorageError {
                    refusal = error
                }
            }
            #expect(refusal?.code == .storageFull)
            #expect((8_000..<24_000).contains(count))
            #expect(try await storage.counts(subscription: "ledger").pending == count)
        }
    }

    @Test("Fault 5: one transaction that is larger than the map makes it grow")
    func largeTransaction() async throws {
        let configuration = LMDBStorage.Configuration(maxBytes: 128 << 20, mapReserveBytes: 1 << 20)
        try await withStorage(configuration: configuration) { storage in
            let rows = Table<UInt64, Data>.raw("rows")
            try await storage.transaction { tx in
                for key in UInt64(0)..<400 { try tx.put(Data(count: 100_000), for: key, in: rows) }
            }
            #expect(try await storage.read { try $0.count(of: rows) } == 400)
        }
    }

    @Test("Fault 49: a map that is full in the middle of a group loses nothing that was acknowledged")
    func mapFullInAGroup() async throws {
        let configuration = LMDBStorage.Configuration(
            maxBytes: 64 << 20, settleReserveBytes: 1 << 20, mapReserveBytes: 1 << 20)
        try await withStorage(configuration: configuration) { storage in
            // Where nobody waits for events, a store that is nearly full forgets them.
            _ = try await storage.attach()
            let rows = Table<UInt64, Data>.raw("rows")
            let accepted = try await withThrowingTaskGroup(of: Int?.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        do {
                            // Nobody knows before that each writes two megabytes, more than the map has room for.
                            try await storage.transaction { tx in
                                for part in 0..<32 {
                                    try tx.put(Data(count: 64 << 10), for: UInt64(number * 100 + part), in: rows)
                                }
                                try tx.emit(OrderPlaced(number: number))
                            }
                            return number
                        } catch let error as StorageError where error.code == .storageFull {
                            return nil
                        }
                    }
                }
                var accepted: Set<Int> = []
                for try await number in group { if let number { accepted.insert(number) } }
                return accepted
            }
            #expect((10..<40).contains(accepted.count))
            let keys = try await storage.read { try $0.entries(in: rows, after: nil, limit: 10_000).map(\.key) }
            #expect(Set(keys.map { Int($0 / 100) }) == accepted)
            #expect(keys.count == accepted.count * 32)
            let report = try await storage.check()
            #expect(report.events == accepted.count && report.isSound)
        }
    }
}
#endif

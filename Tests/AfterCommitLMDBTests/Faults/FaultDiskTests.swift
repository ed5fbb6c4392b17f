#if LMDB
import AfterCommit
import CLMDB
import Foundation
import TestSupport
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(10))) struct FaultDiskTests {
    private static let strace = "/usr/bin/strace"
    /// Whether one process may trace another here.
    private static let canTrace = (try? run(strace, "-qq", "-o", "/dev/null", "/bin/true")) != nil

    /// Runs six emits, of which each tells its outcome, while the named system calls are answered as told.
    private func emits(_ path: String, _ inject: String...) async throws -> [String] {
        let probe = try Probe(
            ["emit", path, "a", "6"],
            wrapper: [Self.strace, "-qq", "-f", "-o", "/dev/null"] + inject.flatMap { ["-e", $0] })
        let told = await probe.rest()
        #expect(await probe.end() == 0)
        return told
    }

    /// What a later process finds.
    private func numbers(_ path: String) async throws -> [Int] {
        struct Probed: Codable { var number: Int }
        let storage = try open(path)
        let records = try await storage.deliveries(DeliveryQuery())
        await storage.close()
        return try records.map {
            try JSONDecoder().decode(Probed.self, from: $0.envelope.bytes(using: storage.coder)).number
        }
    }

    private func withNewStore(_ body: (String) async throws -> Void) async throws {
        try await withStorePath { path in
            let storage = try open(path)
            _ = try await storage.attach(types: [probed])
            await storage.close()
            try await body(path)
        }
    }

    @Test(
        "Fault 6: a flush that fails is not acknowledged, the store is opened again and goes on",
        .enabled(if: canTrace, "SKIPPED: strace is missing or may not trace here"))
    func flushFails() async throws {
        try await withNewStore { path in
            let told = try await emits(path, "trace=fdatasync", "inject=fdatasync:error=EIO:when=3")
            #expect(told == ["open", "ack 0", "ack 1", "systemFailure 0", "ack 3", "ack 4", "ack 5", "closed"])
            let found = try await numbers(path)
            #expect(Set(found).isSuperset(of: [0, 1, 3, 4, 5]))
            #expect(found.count == Set(found).count)
        }
    }

    @Test(
        "Fault 6: the second failure in a row ends writing, with an error of its own",
        .enabled(if: canTrace, "SKIPPED: strace is missing or may not trace here"))
    func flushFailsTwice() async throws {
        try await withNewStore { path in
            let told = try await emits(path, "trace=fdatasync", "inject=fdatasync:error=EIO:when=3..4")
            #expect(
                told == [
                    "open", "ack 0", "ack 1", "systemFailure 0", "systemFailure 0", "unhealthy 0", "unhealthy 0",
                    "closed",
                ])
            #expect(Set(try await numbers(path)).isSuperset(of: [0, 1]))
        }
    }

    @Test(
        "Fault 6: a failure, a commit and another failure are no two in a row",
        .enabled(if: canTrace, "SKIPPED: strace is missing or may not trace here"))
    func flushFailsNowAndThen() async throws {
        try await withNewStore { path in
            let told = try await emits(path, "trace=fdatasync", "inject=fdatasync:error=EIO:when=2+2")
            #expect(
                told == [
                    "open", "ack 0", "systemFailure 0", "ack 2", "systemFailure 0", "ack 4", "systemFailure 0",
                    "closed",
                ])
        }
    }

    @Test(
        "Fault 7: after a failed write of the meta page the store is opened again",
        .enabled(if: canTrace, "SKIPPED: strace is missing or may not trace here"))
    func metaPageFails() async throws {
        try await withNewStore { path in
            // Which of the writes is the meta page's is found out on a copy: it is shorter than a page.
            try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
            let trace = path + ".trace"
            let probe = try Probe(
                ["emit", path + ".copy", "a", "6"],
                wrapper: [Self.strace, "-qq", "-f", "-o", trace, "-e", "trace=pwrite64"])
            _ = await probe.rest()
            #expect(await probe.end() == 0)
            // A line ends with count, offset and result.
            let lengths = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").compactMap {
                line in
                line.split(separator: ",").dropLast().last.flatMap {
                    Int($0.trimmingCharacters(in: .whitespaces))
                }
            }
            let metas = lengths.indices.filter { lengths[$0] < 4_096 }
            #expect(metas.count == 6)
            let third = try #require(metas.dropFirst(2).first) + 1
            let told = try await emits(path, "trace=pwrite64", "inject=pwrite64:error=EIO:when=\(third)")
            #expect(told == ["open", "ack 0", "ack 1", "systemFailure 0", "ack 3", "ack 4", "ack 5", "closed"])
            #expect(Set(try await numbers(path)).isSuperset(of: [0, 1, 3, 4, 5]))
            // The attempt to put the old meta page back fails too, and so does all that follows.
            let rest = try await emits(path, "trace=pwrite64", "inject=pwrite64:error=EIO:when=\(third)+")
            #expect(rest.prefix(4) == ["open", "ack 0", "ack 1", "systemFailure 0"])
            #expect(rest.suffix(3) == ["unhealthy 0", "unhealthy 0", "closed"])
        }
    }

    @Test(
        "Fault 4: on a full disk emits fail, settling and reading go on, and room that comes back is used",
        .enabled(if: LoopDisk.isPossible, "SKIPPED: no file system can be made and mounted here"))
    func diskFull() async throws {
        let disk = try LoopDisk(megabytes: 8)
        defer { disk.remove() }
        // Another program takes a part of the disk.
        let ballast = URL(fileURLWithPath: disk.folder + "/ballast")
        try Data(count: 2 << 20).write(to: ballast)
        let storage = try open(disk.folder + "/store")
        _ = try await storage.attach()
        var accepted = 0
        var refusal: StorageError?
        while refusal == nil, accepted < 100_000 {
            do {
                try await storage.emit(
                    contentsOf: [OrderPlaced(number: accepted, filler: String(repeating: "x", count: 1_000))],
                    headers: [:])
                accepted += 1
            } catch let error as StorageError {
                refusal = error
            }
        }
        #expect(refusal?.code == .storageFull)
        #expect((500..<6_000).contains(accepted))
        let transaction = await #expect(throws: StorageError.self) {
            try await storage.transaction { tx in
                try tx.put(Order(number: 1, total: 1), for: 1, in: orders)
                try tx.emit(OrderPlaced(number: -1))
            }
        }
        #expect(transaction?.code == .storageFull)
        // And then it takes all of the rest.
        fillUp(disk.folder + "/more")
        #expect(code(await #expect(throws: StorageError.self) { try await storage.emit([-1]) }) == .storageFull)
        // Everything that was accepted is delivered and settled meanwhile; some of it has to be tried again.
        var settled = 0
        var seen: Set<Int> = []
        while true {
            let batch = try await storage.claim(limit: 64)
            guard let first = batch.deliveries.first else { break }
            seen.formUnion(try storage.numbers(batch))
            let retry = Settlement(
                delivery: first, outcome: .retrying(due: .distantFuture, history: DeliveryHistory(attempts: 1)))
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: batch.deliveries.dropFirst().map(\.sequence),
                    exceptions: [retry]))
            settled += batch.deliveries.count
        }
        #expect(settled == accepted)
        #expect(seen == Set(0..<accepted))
        try FileManager.default.removeItem(at: ballast)
        try await storage.emit([accepted])
        try await storage.transaction { tx in try tx.put(Order(number: 1, total: 1), for: 1, in: orders) }
        #expect(try storage.numbers(try await storage.claim()) == [accepted])
        await storage.close()
        // What was promised is there for the next process.
        let next = try open(disk.folder + "/store")
        _ = try await next.attach()
        #expect(try await next.read { try $0.count(of: orders) } == 1)
        #expect(try await next.counts(subscription: "ledger").retrying == (accepted + 63) / 64)
        await next.close()
    }

    /// Writes until the disk takes no more.
    private func fillUp(_ path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        setbuf(file, nil)
        let bytes = [UInt8](repeating: 1, count: 1_024)
        while fwrite(bytes, 1, bytes.count, file) == bytes.count {}
    }

    @Test func recoveryIsDecidedByWhatFailed() {
        func recovery(_ code: Int32) -> WriteRecovery {
            WriteRecovery(GroupFailure(underlying: StorageError(LMDBError(code: code, operation: "mdb_txn_commit"))))
        }
        #expect(recovery(EIO) == .reopen)
        #expect(recovery(MDB_PANIC) == .reopen)
        #expect(recovery(MDB_MAP_RESIZED) == .adoptMapSize)
        #expect(recovery(ENOSPC) == .makeRoom)
        #expect(recovery(MDB_MAP_FULL) == .makeRoom)
        #expect(recovery(ENOMEM) == .separate)
        #expect(WriteRecovery(Refusal()) == .separate)
        #expect(WriteRecovery(StorageError.writerBusy(processID: 1, after: .seconds(1))) == .refuse)
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import TestSupport
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(5))) struct FaultCheckTests {
    /// A closed store with records of every kind.
    private func withFilledStore(_ body: (String) async throws -> Void) async throws {
        try await withStorePath { path in
            let storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(0..<300)
            let deliveries = try await storage.claim(limit: 200).deliveries
            let exceptions = deliveries.prefix(90).enumerated().map { index, delivery in
                let outcome: Settlement.Outcome =
                    switch index % 3 {
                    case 0:
                        .retrying(
                            due: Date(timeIntervalSince1970: Double(index)), history: DeliveryHistory(attempts: 1))
                    case 1: .blocked
                    default:
                        .deadLettered(
                            DeadLetter(
                                id: DeliveryID(subscription: "ledger", sequence: delivery.sequence),
                                envelope: delivery.envelope, reason: .exhausted, history: DeliveryHistory(),
                                deadSince: .distantPast, blocksKey: false))
                    }
                return Settlement(delivery: delivery, outcome: outcome)
            }
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: deliveries.dropFirst(90).map(\.sequence), exceptions: exceptions)
            )
            try await storage.transaction { tx in
                for number in 0..<100 { try tx.put(Order(number: number, total: 1), for: UInt64(number), in: orders) }
                try tx.put(Data(count: 20_000), for: "large", in: Table<String, Data>.raw("blobs"))
            }
            try await storage.transaction { tx in
                for number in 50..<100 { try tx.removeValue(for: UInt64(number), in: orders) }
            }
            await storage.close()
            try await body(path)
        }
    }

    @Test("Fault 13: the check of a sound store counts what is in it")
    func soundStore() async throws {
        try await withFilledStore { path in
            let report = try await LMDBStorage.check(path: path)
            #expect(report.isSound, "\(report.damages)")
            #expect(report.isStructureChecked)
            #expect(report.format == StoreFormat.current)
            #expect(report.events == 300)
            #expect(report.subscriptions == 1)
            #expect((report.retrying, report.blocked, report.deadLetters) == (30, 30, 30))
            #expect(report.rows == ["orders": 50, "blobs": 1])
        }
    }

    @Test("Fault 13: the check names what contradicts something else")
    func contradictions() async throws {
        try await withFilledStore { path in
            let storage = try open(path)
            let context = storage.context
            try await storage.write(
                WriteRequest(bytes: 1_000) { group in
                    try group.mutate {
                        // A due date of nobody, a delivery that is never due, a gap, and a place behind the end.
                        try context.due(group.transaction).insert(DueKey(1, due: .distantFuture, sequence: 4))
                        try context.due(group.transaction).delete(
                            DueKey(1, due: Date(timeIntervalSince1970: 3), sequence: 4))
                        try withKey(of: UInt64(250)) { key throws(StorageError) in
                            _ = try group.transaction.delete(key, in: context.databases.log)
                        }
                        var record = SubscriptionRecord(name: "ahead", id: 9, start: 1, types: [])
                        record.settledBelow = 9_999
                        try context.subscriptions(group.transaction).put(record)
                    }
                })
            let report = try await storage.check()
            #expect(Set(report.damages.map(\.place)) == ["due", "exceptions", "log", "subscriptions"])
            #expect(report.damageCount == 4, "\(report.damages)")
            await storage.close()
        }
    }

    @Test("Fault 13: whatever byte of the file is flipped, the check tells or finds nothing, and never traps")
    func flippedBytes() async throws {
        try await withFilledStore { path in
            let url = URL(fileURLWithPath: path + "/data.mdb")
            let used: Int
            do {
                let storage = try open(path)
                used = try storage.context.environment.highWaterBytes()
                await storage.close()
            }
            let file = openFile(url.path, O_RDWR)
            defer { close(file) }
            var random = Xoshiro256(seed: 11)
            var found = 0
            var refused = 0
            for round in 0..<1_000 {
                // Headers of pages are hit as often as records.
                var offset = Int.random(in: 0..<used, using: &random)
                if round % 2 == 0 { offset = offset / 4_096 * 4_096 + Int.random(in: 0..<64, using: &random) }
                var byte: UInt8 = 0
                #expect(pread(file, &byte, 1, off_t(offset)) == 1)
                var damaged = byte ^ UInt8.random(in: 1...255, using: &random)
                #expect(pwrite(file, &damaged, 1, off_t(offset)) == 1)
                do {
                    let report = try await LMDBStorage.check(path: path)
                    if !report.isSound { found += 1 }
                } catch is StorageError {
                    refused += 1
                }
                #expect(pwrite(file, &byte, 1, off_t(offset)) == 1)
            }
            #expect(found > 100)
            #expect(refused > 0)
        }
    }

    /// `open` is the tests' own word for a store.
    private func openFile(_ path: String, _ flags: Int32) -> Int32 {
        FileManager.default.fileExists(atPath: path) ? Foundation.open(path, flags | O_CLOEXEC) : -1
    }

    @Test("Fault 13: while another process has the store open its pages are not judged")
    func beside() async throws {
        try await withFilledStore { path in
            let other = try Probe("attach", path)
            #expect(await other.tells("attached"))
            let report = try await LMDBStorage.check(path: path)
            #expect(report.isSound)
            #expect(!report.isStructureChecked)
            try other.endInput()
            #expect(await other.end() == 0)
            let storage = try open(path)
            let error = await #expect(throws: StorageError.self) { try await LMDBStorage.check(path: path) }
            #expect(error?.code == .alreadyOpen)
            await storage.close()
        }
    }
}
#endif

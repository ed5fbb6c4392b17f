#if LMDB
import AfterCommit
import CLMDB
import Foundation
import TestSupport
import Testing

@testable import AfterCommitLMDB

/// Crashes, copies, checks and formats of a store with a status column.
@Suite(.timeLimit(.minutes(1))) struct StatusColumnRecordTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func whatWasNotSettledIsPendingAfterACrash() async throws {
        try await withStorePath { path in
            var storage = try openStatus(path)
            _ = try await storage.attach()
            try await storage.place(1...3)
            let claimed = try await storage.claim().deliveries
            try await storage.settle(delivered: [claimed[0].sequence])
            try await storage.settle(claimed[1], .retrying(due: now, history: failed(1)))
            // Without a word about the third.
            await storage.close()
            storage = try openStatus(path)
            #expect(try await storage.status(1)?.state == .succeeded)
            #expect(try await storage.status(2)?.attempts == 1)
            #expect(try await storage.status(3)?.state == .pending)
            _ = try await storage.attach()
            let again = try await storage.claim(now: now)
            #expect(try storage.events(again).map(\.number).sorted() == [2, 3])
            #expect(again.deliveries.map(\.envelope.id).sorted() == claimed[1...].map(\.envelope.id).sorted())
            await storage.close()
        }
    }

    @Test("a process that is killed between commits leaves rows and events that agree")
    func killed() async throws {
        try await withStorePath { path in
            for round in 0..<3 {
                let probe = try Probe("status-column", path, "\(round * 100_000)")
                var lines = 200 + 57 * round
                for await _ in probe.lines {
                    lines -= 1
                    if lines == 0 { break }
                }
                #expect(lines == 0)
                probe.signal(SIGKILL)
                #expect(await probe.end() != 0)
            }
            let storage = try openStatus(path, events: .ofProbe)
            let report = try await storage.check()
            #expect(report.isSound, "\(report.damages)")
            let statuses = try await storage.read { reader in
                try reader.entries(in: probeRows, after: nil, limit: .max).map {
                    try reader.status(of: $0.key, in: probeRows)
                }
            }
            let pending = Set(statuses.compactMap { $0?.state == .pending ? $0?.eventID : nil })
            #expect(statuses.allSatisfy { $0 != nil } && statuses.contains { $0?.state == .succeeded })
            _ = try await storage.attach("probe", types: [ProbeEvent.type])
            var claimed: Set<EventID> = []
            while true {
                let batch = try await storage.claim("probe", limit: 500, now: .distantFuture).deliveries
                if batch.isEmpty { break }
                claimed.formUnion(batch.map(\.envelope.id))
            }
            #expect(claimed == pending)
            await storage.close()
        }
    }

    @Test func checksAndBackupsUnderstandTheColumn() async throws {
        try await withStorePath { path in
            var storage = try openStatus(path)
            _ = try await storage.attach()
            try await storage.place(1...3)
            let claimed = try await storage.claim().deliveries
            try await storage.settle(delivered: [claimed[0].sequence])
            try await storage.die(claimed[1])
            let copy = path + ".copy"
            try await storage.backup(to: copy)
            await storage.close()
            // A check opens it as it is, and leaves it so.
            for folder in [path, copy] {
                let report = try await LMDBStorage.check(path: folder)
                #expect(report.isSound && report.isStructureChecked && report.rows == ["orders": 3])
                #expect(report.deadLetters == 1)
            }
            let refusal = #expect(throws: StorageError.self) { try open(copy) }
            #expect(refusal?.code == .unsettledEvents)
            storage = try openStatus(copy)
            _ = try await storage.attach()
            #expect(try await storage.events(storage.claim()).map(\.number) == [3])
            #expect(try await storage.status(1)?.state == .succeeded)
            await storage.close()
        }
    }

    @Test func aCheckFindsRowsWhoseEventIsLost() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place(1...2)
            let database = try #require(storage.context.handles.snapshot["orders"])
            let context = storage.context
            // Pending in the row, settled in the log.
            try await storage.write(
                WriteRequest(bytes: 1) { group in
                    let id = try #require(try context.log(group.transaction).id(1))
                    let status = RowStatus(state: .pending, eventID: id)
                    for (key, sequence) in [(UInt64(3), UInt64(1)), (4, 2), (5, 9)] {
                        try group.transaction.putRow(
                            key.tableKeyBytes, in: database, RowHeader(status: status, sequence: sequence),
                            Data("{}".utf8))
                    }
                })
            try await storage.settle(delivered: [storage.claim().deliveries[0].sequence])
            let problems = try await storage.check().damages.filter { $0.place == "table orders" }.map(\.problem)
            #expect(problems.count == 3)
            #expect(problems.contains { $0.contains("has settled it") })
            #expect(problems.contains { $0.contains("another one in its place") })
            #expect(problems.contains { $0.contains("has lost it") })
        }
    }

    @Test func recordsOfALaterFormatAreRefused() async throws {
        try await withStatusStorage { storage in
            try await storage.place([1])
            let database = try #require(storage.context.handles.snapshot["orders"])
            try await storage.write(
                WriteRequest(bytes: 1) { group in
                    try withBytes(Array(UInt64(1).tableKeyBytes)) { key throws(StorageError) in
                        var bytes = Array(
                            try group.transaction.stored(key, in: database)
                                ?? UnsafeRawBufferPointer(start: nil, count: 0))
                        bytes.withUnsafeMutableBytes { Record.seal($0, key: key, format: 3) }
                        try withBytes(bytes) { bytes throws(StorageError) in
                            var (key, value) = (MDB_val(key), MDB_val(bytes))
                            try AfterCommitLMDB.check(
                                mdb_put(group.transaction.pointer, database, &key, &value, 0), "mdb_put")
                        }
                    }
                })
            let error = await #expect(throws: StorageError.self) {
                try await storage.read { try $0.value(for: 1, in: orders) }
            }
            #expect(error?.code == .formatTooNew)
        }
    }

    @Test func aHeaderComesBackAsItWas() throws {
        let id = EventID(high: 3, low: 9)
        for state in RowStatus.State.allCases {
            let header = RowHeader(
                status: RowStatus(
                    state: state, eventID: id, attempts: 4, replayCount: 2, due: now, lastError: "no answer: é"),
                sequence: 1 << 40)
            let bytes = header.encoded()
            let decoded = try withBytes(bytes) { bytes throws(StorageError) in try RowHeader(decoding: bytes) }
            #expect(decoded == header)
            for count in 0..<bytes.count {
                #expect(throws: StorageError.self) {
                    try withBytes(Array(bytes[..<count])) { bytes throws(StorageError) in try RowHeader(decoding: bytes)
                    }
                }
            }
        }
    }

    @Test func aLongErrorIsCutBetweenCharacters() {
        var status = RowStatus(state: .pending, eventID: EventID(high: 1, low: 1))
        status.wait(failed(1, String(repeating: "é", count: 400)), due: nil)
        #expect(status.lastError == String(repeating: "é", count: 250))
    }
}

/// What the probe has in its store.
private struct ProbeEvent: Event {
    static let type: EventType = "probed.row"
    var id: UInt64
}

private let probeRows = Table<UInt64, Data>.raw("rows")

extension LMDBStorage.Events {
    fileprivate static let ofProbe = statusColumn(
        probeRows, key: { (event: ProbeEvent) in event.id }, rebuild: { id, _ in ProbeEvent(id: id) })
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(1))) struct FaultMigrationTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let history = DeliveryHistory(
        attempts: 3, replayCount: 2,
        failures: [
            AttemptFailure(
                attempt: 2, startedAt: Date(timeIntervalSince1970: 1_799_999_000), duration: 1.5, errorType: "timeout",
                message: "no answer", status: nil),
            AttemptFailure(
                attempt: 3, startedAt: Date(timeIntervalSince1970: 1_799_999_500), duration: 0.25, errorType: "status",
                message: "busy", status: 503),
        ])

    private func letter(_ delivery: ClaimedDelivery) -> DeadLetter {
        DeadLetter(
            id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
            reason: .permanent, history: history, deadSince: now - 60, blocksKey: true)
    }

    /// A store of version 1: 1 to 3 retry, of which 3 is damaged, 4 is blocked, 5 is dead, 6 is pending.
    private func fill(_ storage: LMDBStorage) async throws -> [ClaimedDelivery] {
        _ = try await storage.attach()
        try await storage.transaction { try $0.put(Order(number: 1, total: 2), for: 1, in: orders) }
        try await storage.emit(
            contentsOf: (1...6).map { OrderPlaced(number: $0, key: "key-\($0)") }, headers: ["tenant": "a"])
        let claimed = try await storage.claim(limit: 5).deliveries
        let dead = letter(claimed[4])
        let outcomes: [Settlement.Outcome] =
            (0..<3).map { _ in .retrying(due: now + 5, history: history) } + [.blocked, .deadLettered(dead)]
        _ = try await storage.settle(
            SettlementBatch(
                subscription: "ledger", exceptions: zip(claimed, outcomes).map { Settlement(delivery: $0, outcome: $1) }
            ))
        let (context, due, stored) = (storage.context, now + 5, history)
        try await storage.turnIntoVersion1 { group in
            let exceptions = context.exceptions(group.transaction)
            for (index, delivery) in claimed[..<4].enumerated() {
                let row = try Version1.exception(
                    due: index < 3 ? due : nil, index == 1 ? nil : stored, delivery.envelope)
                try exceptions.put(DeliveryKey(1, delivery.sequence), row)
            }
            try context.dead(group.transaction).put(DeliveryKey(1, 5), try Version1.deadLetter(dead))
        }
        return claimed
    }

    @Test("Fault 15: a store of version 1 is migrated in one transaction and keeps everything")
    func versionOneIsMigrated() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            let claimed = try await fill(storage)
            try await storage.damageException(3)
            let before = try storage.context.environment.lastTransactionID()
            await storage.close()
            storage = try open(path)
            #expect(try storage.context.environment.lastTransactionID() == before + 1)
            let identity = storage.context.identity
            _ = try await storage.attach()
            #expect(try await storage.read { try $0.value(for: 1, in: orders) } == Order(number: 1, total: 2))
            let damages = try await storage.check().damages
            #expect(damages.map(\.place) == ["exceptions"], "the row that was damaged before: \(damages)")
            // The event is not asked for what the row owns.
            for sequence in 1...5 { try await storage.damageLogged(UInt64(sequence)) }
            var batch = try await storage.claim(now: now + 5)
            #expect(batch.deliveries.filter(\.isDamaged).map(\.sequence) == [3])
            batch.deliveries.removeAll(where: \.isDamaged)
            #expect(batch.deliveries.map(\.sequence) == [1, 2, 6])
            #expect(batch.deliveries.map(\.history) == [history, nil, nil])
            let blocked =
                try await storage.claimBlocked(
                    subscription: "ledger", orderingKeys: ["key-4"], limitPerKey: 9)["key-4"] ?? []
            #expect(blocked.map(\.sequence) == [4])
            #expect(blocked.first?.history == history)
            for (found, was) in zip(batch.deliveries.prefix(2) + blocked, [claimed[0], claimed[1], claimed[3]]) {
                try expect(found.envelope, was.envelope)
            }
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.id.sequence) == [5])
            let (found, was) = (letters[0], letter(claimed[4]))
            #expect(found.history == was.history && found.reason == was.reason)
            #expect(found.deadSince == was.deadSince && found.blocksKey == was.blocksKey)
            try expect(found.envelope, was.envelope)
            await storage.close()
            storage = try open(path)
            #expect(storage.context.identity == identity)
            await storage.close()
        }
    }

    private func expect(_ found: Envelope, _ was: Envelope) throws {
        #expect(found.id == was.id && found.type == was.type && found.source == was.source && found.time == was.time)
        #expect(found.orderingKey == was.orderingKey && found.headers == was.headers && found.headers["tenant"] == "a")
        #expect(found.contentType == was.contentType)
        #expect(try found.bytes(using: JSONEventCoder()) == was.bytes(using: JSONEventCoder()))
    }

    @Test("Fault 15: what a migration writes never makes the file look truncated")
    func migrationExtendsTheFile() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await fill(storage)
            await storage.close()
            // As short as it may be.
            let url = URL(fileURLWithPath: path + "/data.mdb")
            let environment = try Environment(folder: path, mapBytes: 64 << 20, maxDatabases: 1)
            let needed = try environment.highWaterBytes()
            environment.close()
            let file = try FileHandle(forWritingTo: url)
            try file.truncate(atOffset: UInt64(needed))
            try file.close()
            storage = try open(path)
            let size = try FileStatus(path: url.path).bytes
            #expect(try size > storage.context.environment.highWaterBytes(), "it ends with a hole")
            await storage.close()
            await (try open(path)).close()
        }
    }
}
#endif

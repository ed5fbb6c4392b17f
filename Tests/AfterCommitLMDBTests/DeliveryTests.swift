#if LMDB
import AfterCommit
@testable import AfterCommitLMDB
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct DeliveryTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func nothingIsHandedOutTwiceUntilItIsReleased() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...5)
            #expect(try storage.numbers(try await storage.claim(limit: 3)) == [1, 2, 3])
            await storage.release([2], subscription: "ledger")
            let batch = try await storage.claim(limit: 2)
            #expect(try storage.numbers(batch) == [2, 4])
            #expect(batch.hasMore)
        }
    }

    @Test func subscriptionStartsAtTheNextEvent() async throws {
        try await withStorage { storage in
            try await storage.emit([1])
            _ = try await storage.attach()
            try await storage.emit([2])
            #expect(try storage.numbers(try await storage.claim()) == [2])
        }
    }

    @Test func otherTypesArePassedOver() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            for number in 0..<10 {
                try await storage.emit(contentsOf: [OrderShipped(number: number)], headers: [:])
                try await storage.emit([number])
            }
            #expect(try storage.numbers(try await storage.claim(limit: 50)) == Array(0..<10))
            #expect(try await storage.counts(subscription: "ledger").pending == 10)
        }
    }

    @Test func outOfOrderSettlementsSurviveAReopen() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(1...10)
            let batch = try await storage.claim()
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: [2, 3, 5, 9].map { batch.deliveries[$0 - 1].sequence }))
            await storage.close()
            storage = try open(path)
            _ = try await storage.attach()
            #expect(try storage.numbers(try await storage.claim()) == [1, 4, 6, 7, 8, 10])
            await storage.close()
        }
    }

    @Test func retryingIsHandedOutWhenDue() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit([1])
            let delivery = try #require(try await storage.claim().deliveries.first)
            let due = now + 0.123_456_7
            let history = DeliveryHistory(
                attempts: 1,
                failures: [
                    AttemptFailure(
                        attempt: 1, startedAt: now, duration: 0.5, errorType: "Timeout", message: "no answer",
                        status: 503)
                ])
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [
                        Settlement(delivery: delivery, outcome: .retrying(due: due, history: history))
                    ]))
            var early = try await storage.claim(now: now)
            #expect(early.deliveries.isEmpty)
            #expect(early.nextDue == due)
            await storage.close()
            storage = try open(path)
            _ = try await storage.attach()
            early = try await storage.claim(now: now)
            #expect(early.nextDue == due)
            let claimed = try await storage.claim(now: due)
            #expect(claimed.deliveries.first?.history == history)
            #expect(try storage.numbers(claimed) == [1])
            #expect(try await storage.claim(now: due).deliveries.isEmpty)
            #expect(try await storage.counts(subscription: "ledger").retrying == 1)
            _ = try await storage.settle(SettlementBatch(subscription: "ledger", delivered: [1]))
            #expect(try await storage.counts(subscription: "ledger") == DeliveryCounts())
            #expect(try await storage.claim(now: .distantFuture).nextDue == nil)
            await storage.close()
        }
    }

    @Test func blockedAndDeadKeysAreToldAtAttach() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(1...3, key: "a")
            try await storage.emit(4...4, key: "b")
            let claimed = try await storage.claim().deliveries
            let letter = DeadLetter(
                id: DeliveryID(subscription: "ledger", sequence: claimed[0].sequence),
                envelope: claimed[0].envelope, reason: .exhausted, history: DeliveryHistory(attempts: 4),
                deadSince: now, blocksKey: true)
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: [
                        Settlement(delivery: claimed[0], outcome: .deadLettered(letter)),
                        Settlement(delivery: claimed[1], outcome: .blocked),
                        Settlement(delivery: claimed[2], outcome: .blocked),
                        Settlement(
                            delivery: claimed[3],
                            outcome: .retrying(due: now, history: DeliveryHistory(attempts: 1))),
                    ]))
            await storage.close()
            storage = try open(path)
            let place = try await storage.attach()
            #expect(
                Set(place.orderedKeys) == [
                    .init(key: "a", dead: 1, blocked: 2, firstBlocked: 2), .init(key: "b", retrying: 4),
                ])
            let blocked = try await storage.claimBlocked(
                subscription: "ledger", orderingKeys: ["a"], limitPerKey: 1)
            #expect(blocked["a"]?.map(\.sequence) == [2])
            await storage.release([2], subscription: "ledger")
            let again = try await storage.claimBlocked(
                subscription: "ledger", orderingKeys: ["a", "b"], limitPerKey: 5)
            #expect(again.mapValues { $0.map(\.sequence) } == ["a": [2, 3]])
            #expect(
                try await storage.counts(subscription: "ledger")
                    == DeliveryCounts(retrying: 1, blocked: 2, deadLettered: 1))
            await storage.close()
        }
    }

    @Test(.timeLimit(.minutes(1))) func deadLettersAreRedrivenOnce() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            let wakes = Mutex(0)
            _ = try await storage.attach { change in
                if change.contains(.deadLetters) { wakes.withLock { $0 += 1 } }
            }
            try await storage.emit([1, 2])
            let claimed = try await storage.claim().deliveries
            let history = DeliveryHistory(attempts: 4, replayCount: 1)
            let id = DeliveryID(subscription: "ledger", sequence: 1)
            func letter(_ index: Int) -> Settlement {
                Settlement(
                    delivery: claimed[index],
                    outcome: .deadLettered(
                        DeadLetter(
                            id: DeliveryID(subscription: "ledger", sequence: claimed[index].sequence),
                            envelope: claimed[index].envelope, reason: .permanent, history: history,
                            deadSince: clock.now(), blocksKey: false)))
            }
            _ = try await storage.settle(
                SettlementBatch(subscription: "ledger", exceptions: [letter(0), letter(1)]))
            #expect(try await storage.deadLetters(DeadLetterQuery()).map(\.id.sequence) == [1, 2])
            #expect(wakes.withLock { $0 } == 0)
            #expect(try await storage.redrive([id, id]) == [id])
            // The writer tells who waits for the change first.
            try await eventually { wakes.withLock { $0 } == 1 }
            #expect(try await storage.redrive([id]) == [])
            let batch = try await storage.claim(now: clock.now())
            #expect(batch.deliveries.map(\.sequence) == [1])
            #expect(batch.deliveries.first?.history?.attempts == 0)
            #expect(batch.deliveries.first?.history?.replayCount == 2)
            let other = DeliveryID(subscription: "ledger", sequence: 2)
            #expect(try await storage.deleteDeadLetters([other, other, id]) == [other])
            #expect(try await storage.counts(subscription: "ledger").deadLettered == 0)
        }
    }

    @Test func twoOwnersInOneProcessAreRefused() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            let error = await #expect(throws: StorageError.self) { try await storage.attach() }
            #expect(error?.code == .alreadyOpen)
            storage.detach()
            _ = try await storage.attach()
        }
    }

    @Test func anotherProcessIsNamed() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            storage.detach()
            let owner = try holdLock(of: storage)
            let error = await #expect(throws: StorageError.self) { try await storage.attach() }
            #expect(error?.code == .storeBusy)
            #expect(error?.processID == owner.id)
            try owner.input.close()
            #expect(await owner.end() == 0)
            _ = try await storage.attach()
        }
    }

    /// A process of its own that holds the delivery lock, as an engine in it would.
    private func holdLock(of storage: LMDBStorage) throws -> ChildProcess {
        let owner = try ChildProcess([
            "/usr/bin/env", "python3", "-c",
            """
            import fcntl, os, sys
            f = open(sys.argv[1], "r+")
            fcntl.flock(f, fcntl.LOCK_EX)
            f.truncate(0)
            f.write(f"{os.getpid()}\\n")
            f.flush()
            print("held", flush=True)
            sys.stdin.read()
            """, storage.folder + "/delivery.lock",
        ])
        #expect(try owner.output.read(upToCount: 4) == Data("held".utf8))
        return owner
    }

    @Test func detachForgetsClaims() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...3)
            #expect(try await storage.claim().deliveries.count == 3)
            storage.detach()
            _ = try await storage.attach()
            #expect(try await storage.claim().deliveries.count == 3)
        }
    }

    @Test func listsTellStates() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.emit(1...4, key: "k")
            let claimed = try await storage.claim(limit: 3).deliveries
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger", delivered: [1],
                    exceptions: [
                        Settlement(
                            delivery: claimed[1],
                            outcome: .retrying(due: now, history: DeliveryHistory(attempts: 1))),
                        Settlement(delivery: claimed[2], outcome: .blocked),
                    ]))
            let all = try await storage.deliveries(DeliveryQuery(orderingKey: "k"))
            #expect(all.map(\.state) == [.delivered, .retrying, .blocked, .pending])
            #expect(all[1].due == now)
            let found = try await storage.deliveries(DeliveryQuery(eventID: claimed[2].envelope.id))
            #expect(found.map(\.id.sequence) == [3])
            let page = try await storage.deliveries(DeliveryQuery(after: 2, limit: 1))
            #expect(page.map(\.id.sequence) == [3])
            #expect(try await storage.deliveries(DeliveryQuery(state: .blocked)).map(\.id.sequence) == [3])
        }
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

/// FAULT 13, for what left the log's straight way before it was damaged.
@Suite(.timeLimit(.minutes(1))) struct FaultDamagedDeliveryTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// Attaches, and gives the wakes: a damaged event is made a dead letter beside the claim that finds it.
    private func attach(_ storage: LMDBStorage) async throws -> AsyncStream<Void> {
        let (wakes, continuation) = AsyncStream<Void>.makeStream()
        _ = try await storage.attach { _ in continuation.yield() }
        return wakes
    }

    @Test("Fault 13: the dead letter of a damaged event is delivered when it is redriven")
    func redrivenDamagedEvent() async throws {
        try await withStorage { storage in
            let wakes = try await attach(storage)
            try await storage.emit(1...3)
            for await _ in wakes { break }
            try await storage.damageLogged(2)
            #expect(try storage.numbers(try await storage.claim()) == [1, 3])
            for await _ in wakes { break }
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.id.sequence) == [2])
            #expect(try await storage.redrive(letters.map(\.id)) == letters.map(\.id))
            let again = try await storage.claim(now: .distantFuture).deliveries
            #expect(again.map(\.sequence) == [2])
            #expect(again.map(\.envelope.id) == letters.map(\.envelope.id))
            #expect(
                try again.map { try $0.envelope.bytes(using: storage.coder) }
                    == letters.map { try $0.envelope.bytes(using: storage.coder) })
        }
    }

    @Test("Fault 13: a retry whose row or event is damaged becomes a dead letter when it is due")
    func damagedRetries() async throws {
        try await withStorage { storage in
            let wakes = try await attach(storage)
            try await storage.emit(1...3)
            let claimed = try await storage.claim().deliveries
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "ledger",
                    exceptions: claimed.map {
                        Settlement(
                            delivery: $0, outcome: .retrying(due: now + 5, history: DeliveryHistory(attempts: 1)))
                    }))
            for await _ in wakes { break }
            for await _ in wakes { break }
            try await storage.damageException(1)
            try await storage.damageLogged(2)
            #expect(try await storage.claim(now: now).deliveries.isEmpty)
            #expect(try await storage.deadLetters(DeadLetterQuery()).isEmpty, "not before they are due")
            #expect(try storage.numbers(try await storage.claim(now: now + 5)) == [3])
            for await _ in wakes { break }
            // Both are settled in commits of their own, which may be one.
            while try await storage.deadLetters(DeadLetterQuery()).count < 2 { await Task.yield() }
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.id.sequence) == [1, 2])
            #expect(letters.allSatisfy { $0.reason == .malformed })
            let logged = try letters[1].envelope.bytes(using: storage.coder)
            #expect(logged.range(of: Data(OrderPlaced.type.rawValue.utf8)) != nil, "the event's bytes, not the row's")
            #expect(try !letters[0].envelope.bytes(using: storage.coder).isEmpty)
            #expect(try await storage.claim(now: .distantFuture).deliveries.isEmpty)
            #expect(try await storage.entries(of: \.exceptions) == 1)
            #expect(try await storage.entries(of: \.due) == 1, "only that of the one that is claimed")
        }
    }
}
#endif

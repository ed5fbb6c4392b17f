#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite struct DeduplicationTests {
    private let week: Double = 7 * 86_400

    @Test func keysAreForgottenAFewAtATimeAfterTheirWindow() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            for number in 0..<20 {
                try await storage.emit(
                    OrderPlaced(number: number), options: EmitOptions(deduplicationKey: "key-\(number)"))
            }
            #expect(try await storage.entries(of: \.deduplication) == 20)
            clock.advance(by: week)
            var left: [Int] = []
            for number in 0..<5 {
                try await storage.emit(
                    OrderPlaced(number: number), options: EmitOptions(deduplicationKey: "new-key-\(number)"))
                left.append(try await storage.entries(of: \.deduplication))
            }
            // Each emit forgets four and stores one: no emit pays for many.
            #expect(left == [17, 14, 11, 8, 5])
            #expect(try await storage.entries(of: \.deduplicationAges) == 5)
        }
    }

    @Test func aKeyThatIsUsedAnewIsNotForgottenWithItsOldAge() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            try await storage.emit(OrderPlaced(number: 1), options: EmitOptions(deduplicationKey: "key"))
            clock.advance(by: week)
            let second = try await storage.emit(
                OrderPlaced(number: 2), options: EmitOptions(deduplicationKey: "key"))
            clock.advance(by: week - 1)
            for number in 0..<10 {
                try await storage.emit(
                    OrderPlaced(number: number), options: EmitOptions(deduplicationKey: "other-\(number)"))
            }
            let third = try await storage.emit(
                OrderPlaced(number: 2), options: EmitOptions(deduplicationKey: "key"))
            #expect(third == second)
            #expect(try await storage.entries(of: \.deduplicationAges) == 11)
        }
    }

    @Test func aGroupThatSharesACommitStoresOneEvent() async throws {
        try await withStorage { storage in
            let ids = try await withThrowingTaskGroup(of: EventID.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await storage.emit(OrderPlaced(number: 1), options: EmitOptions(deduplicationKey: "key"))
                    }
                }
                return try await group.reduce(into: Set<EventID>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await storage.entries(of: \.log) == 1)
        }
    }
}
#endif

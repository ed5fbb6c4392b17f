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

    @Test("Fault 13: a damaged key is quarantined when it is used, and holds up no other", arguments: [false, true])
    func damagedKey(isExpired: Bool) async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            func emit(_ number: Int, _ key: String) async throws {
                try await storage.emit(OrderPlaced(number: number), options: EmitOptions(deduplicationKey: key))
            }
            // Events that nobody waits for are forgotten.
            _ = try await storage.attach()
            try await emit(1, "damaged")
            try await emit(2, "whole")
            let keys = try await storage.keys(of: \.deduplication)
            let key = try #require(keys.first { String(decoding: $0, as: UTF8.self).hasSuffix("damaged") })
            try await storage.damage(key, in: { $0.databases.deduplication })
            if isExpired { clock.advance(by: week + 1) }
            try await emit(3, "other")
            try await emit(1, "damaged")
            try await emit(1, "damaged")
            #expect(try await storage.entries(of: \.log) == 4, "stored once more, and known from then on")
            #expect(try await storage.entries(of: \.quarantine) == 1)
            #expect(try await storage.entries(of: \.deduplication) == (isExpired ? 2 : 3))
        }
    }

    private func received(_ numbers: Range<Int>) -> [Emission] {
        numbers.map { number in
            let id = EventID(high: 0x019a_c000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(number))
            return Emission(
                envelope: Envelope(
                    id: id, type: "order.placed", source: "/test", time: Date(timeIntervalSince1970: 0),
                    payload: .bytes(Data("{}".utf8))),
                deduplication: Emission.Deduplication(key: "id/\(id)", fingerprint: 1))
        }
    }

    @Test func keysThatShareACommitShareEntriesAndAreForgottenTogether() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            #expect(try await storage.receive(received(0..<500)).duplicates.isEmpty)
            #expect(try await storage.entries(of: \.deduplication) == 500)
            let ages = try await storage.entries(of: \.deduplicationAges)
            #expect((10...20).contains(ages))
            clock.advance(by: week - 1)
            #expect(try await storage.receive(received(0..<501)).duplicates == Array(0..<500))
            clock.advance(by: 1)
            #expect(try await storage.receive(received(1_000..<1_500)).duplicates.isEmpty)
            #expect(try await storage.entries(of: \.deduplication) == 501, "all of the first batch are forgotten")
            #expect(try await storage.receive(received(0..<1)).duplicates.isEmpty)
            #expect(try await storage.receive(received(0..<1)).duplicates == [0])
        }
    }

    @Test("Fault 13: a damaged age is quarantined, and holds up no other")
    func damagedAge() async throws {
        let clock = FixedWallClock()
        try await withStorage(clock: clock) { storage in
            _ = try await storage.receive(received(0..<10))
            clock.advance(by: 1)
            _ = try await storage.receive(received(10..<20))
            let ages = try await storage.keys(of: \.deduplicationAges)
            #expect(ages.count == 2)
            try await storage.damage(try #require(ages.first)) { $0.databases.deduplicationAges }
            clock.advance(by: week)
            _ = try await storage.receive(received(30..<50))
            #expect(try await storage.entries(of: \.quarantine) == 1)
            // The first of the damaged age is in its key; the other nine are kept on, and can be used anew.
            #expect(try await storage.entries(of: \.deduplication) == 9 + 20)
            #expect(try await storage.receive(received(0..<20)).duplicates.isEmpty)
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

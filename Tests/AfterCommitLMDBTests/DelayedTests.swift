#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite struct DelayedTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func manyThatAreDueAtOnceArePublishedInOrder() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            // More than one commit takes; the later ones are emitted first.
            for second in stride(from: 25, through: 1, by: -1) {
                try await storage.emit(
                    contentsOf: (0..<100).map { OrderPlaced(number: second * 100 + $0) },
                    options: EmitOptions(deliverAt: now + Double(second)))
            }
            #expect(try await storage.publishDelayed(dueBy: now) == now + 1)
            #expect(try await storage.publishDelayed(dueBy: now + 24) == now + 25)
            #expect(try await storage.publishDelayed(dueBy: now + 24) == now + 25)
            let batch = try await storage.claim(limit: 5_000)
            #expect(try storage.numbers(batch) == Array(100..<2_500))
            #expect(try await storage.publishDelayed(dueBy: now + 25) == nil)
            #expect(try await storage.delayedEvents(after: nil, limit: 10).isEmpty)
        }
    }

    @Test func aDamagedOneIsQuarantinedAndTheOthersArePublished() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            for number in 1...3 {
                try await storage.emit(
                    OrderPlaced(number: number, filler: "needle-\(number)-"),
                    options: EmitOptions(deliverAt: now + Double(number)))
            }
            await storage.close()
            let url = URL(fileURLWithPath: path + "/data.mdb")
            var bytes = try Data(contentsOf: url)
            // Copy on write leaves old pages behind: all copies are damaged.
            while let place = bytes.range(of: Data("needle-2-".utf8)) { bytes[place.lowerBound] ^= 1 }
            let file = try FileHandle(forWritingTo: url)
            try file.write(contentsOf: bytes)
            try file.close()
            storage = try open(path)
            _ = try await storage.attach()
            #expect(try await storage.delayedEvents(after: nil, limit: 10).count == 2)
            #expect(try await storage.publishDelayed(dueBy: now + 10) == nil)
            #expect(try storage.numbers(try await storage.claim()) == [1, 3])
            #expect(try await storage.entries(of: \.quarantine) == 1)
            await storage.close()
        }
    }

    @Test func eventsOfOneMomentAreListedByID() async throws {
        try await withStorage { storage in
            let ids = try await storage.emit(
                contentsOf: (0..<10).map { OrderPlaced(number: $0) }, options: EmitOptions(deliverAt: now + 60))
            let page = try await storage.delayedEvents(
                after: DelayedEvent.Position(deliverAt: now + 60, id: ids[3]), limit: 3)
            #expect(page.map(\.envelope.id) == Array(ids[4...6]))
            #expect(try await storage.cancelDelayed(Array(ids[0..<10])) == ids)
        }
    }
}

extension LMDBStorage {
    /// How many rows a table of the engine's has, the one that keeps a tree from going empty left out.
    func entries(of database: @escaping @Sendable (Databases) -> MDB_dbi) async throws -> Int {
        try await keys(of: database).count
    }

    /// Their keys.
    func keys(of database: @escaping @Sendable (Databases) -> MDB_dbi) async throws -> [[UInt8]] {
        let context = context
        return try await reader.read { transaction in
            let cursor = try Cursor(transaction, database(context.databases))
            var keys: [[UInt8]] = []
            var entry = try cursor.first()
            while let current = entry {
                if current.key.count > 4 { keys.append(Array(current.key)) }
                entry = try cursor.next()
            }
            return keys
        }
    }
}
#endif

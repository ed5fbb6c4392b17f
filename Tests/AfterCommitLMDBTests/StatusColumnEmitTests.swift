#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

@Suite(.timeLimit(.minutes(1))) struct StatusColumnEmitTests {
    @Test func emittingMarksTheRow() async throws {
        try await withStatusStorage { storage in
            let id = try await storage.transaction { tx in
                try tx.insert(Order(number: 1, total: 2), for: 1, in: orders)
                #expect(try tx.status(of: 1, in: orders) == nil)
                let id = try tx.emit(OrderPlaced(number: 1))
                #expect(try tx.status(of: 1, in: orders)?.eventID == id)
                return id
            }
            #expect(try await storage.status(1) == RowStatus(state: .pending, eventID: id))
            #expect(try await storage.status(2) == nil)
            // The table is what it was.
            let rows = try await storage.read { reader in
                #expect(try reader.count(of: orders) == 1)
                #expect(try reader.value(for: 1, in: orders) == Order(number: 1, total: 2))
                return try reader.entries(in: orders, after: nil, limit: 9).map(\.value)
            }
            #expect(rows == [Order(number: 1, total: 2)])
        }
    }

    @Test func aPutKeepsTheStatus() async throws {
        try await withStatusStorage { storage in
            try await storage.place([1])
            let status = try await storage.status(1)
            try await storage.put(1, total: 9)
            try await storage.transaction { tx in
                try tx.put(Order(number: 1, total: 10), for: 1, in: orders)
                try tx.put(Order(number: 1, total: 11), for: 1, in: orders)
            }
            #expect(try await storage.status(1) == status)
            #expect(try await storage.read { try $0.value(for: 1, in: orders)?.total } == 11)
        }
    }

    @Test func whatIsRolledBackMarksNothing() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.put(1, total: 1)
            try await storage.put(2, total: 2)
            await #expect(throws: Refusal.self) {
                try await storage.transaction { tx in
                    try tx.emit(OrderPlaced(number: 1))
                    throw Refusal()
                }
            }
            #expect(try await storage.status(1) == nil)
            try await storage.transaction { tx in
                try? tx.savepoint {
                    try tx.emit(OrderPlaced(number: 1))
                    throw Refusal()
                }
                // The place in the log that the savepoint gave back.
                try tx.emit(OrderPlaced(number: 2))
            }
            #expect(try await storage.status(1) == nil)
            #expect(try await storage.status(2)?.state == .pending)
            #expect(try await storage.events(storage.claim()).map(\.number) == [2])
            #expect(try await storage.check().damages.isEmpty)
        }
    }

    private func refusal(
        _ storage: LMDBStorage, _ body: @escaping @Sendable (LMDBTransaction) throws -> Void
    ) async -> StorageError.Code? {
        await code(#expect(throws: StorageError.self) { try await storage.transaction(body) })
    }

    @Test func whatTheColumnHasNoRoomForNamesTheOutbox() async throws {
        try await withStatusStorage { storage in
            let error = await #expect(throws: StorageError.self) {
                try await storage.transaction { try $0.emit(OrderPlaced(number: 1)) }
            }
            #expect(error?.code == .needsOutbox)
            #expect(error?.message.contains("events: .outbox") == true)
            try await storage.put(1, total: 1)
            #expect(await refusal(storage) { try $0.emit(OrderShipped(number: 1)) } == .needsOutbox)
            #expect(
                await refusal(storage) { try $0.emit(OrderPlaced(number: 1), at: .distantFuture) } == .needsOutbox)
            #expect(
                await refusal(storage) { try $0.emit(OrderPlaced(number: 1), deduplicationKey: "a") } == .needsOutbox)
            #expect(
                await refusal(storage) {
                    try $0.emit(OrderPlaced(number: 1), options: EmitOptions(id: EventID(high: 1, low: 2)))
                } == .needsOutbox)
            #expect(await refusal(storage) { try $0.emit(OrderPlaced(number: 2)) } == .needsOutbox)
            #expect(try await storage.status(1) == nil)
            // In one transaction, and after it.
            #expect(
                await refusal(storage) { tx in
                    try tx.emit(OrderPlaced(number: 1))
                    try tx.emit(OrderPlaced(number: 1))
                } == .needsOutbox)
            try await storage.place([1])
            #expect(await refusal(storage) { try $0.emit(OrderPlaced(number: 1)) } == .needsOutbox)
            // Who expects the refusal goes on.
            try await storage.transaction { tx in
                _ = try? tx.emit(OrderPlaced(number: 1))
                try tx.put(Order(number: 3, total: 3), for: 3, in: orders)
            }
            #expect(try await storage.read { try $0.value(for: 3, in: orders)?.total } == 3)
        }
    }

    @Test func emittingWithoutATransactionNeedsTheRow() async throws {
        try await withStatusStorage { storage in
            let error = await #expect(throws: StorageError.self) {
                try await storage.emit(OrderPlaced(number: 1), headers: [:])
            }
            #expect(error?.code == .needsOutbox)
            try await storage.put(1, total: 1)
            try await storage.put(2, total: 2)
            let all = await #expect(throws: StorageError.self) { try await storage.emit(1...3) }
            #expect(all?.code == .needsOutbox)
            #expect(try await storage.status(1) == nil, "all or none")
            let id = try await storage.emit(OrderPlaced(number: 1), headers: [:])
            #expect(try await storage.status(1)?.eventID == id)
        }
    }

    @Test func scopesAndHandlersNeedTheRowToo() async throws {
        try await withStatusStorage { storage in
            func emission(_ event: some Event, _ options: EmitOptions = EmitOptions()) throws -> Emission {
                try storage.envelopes.emission(event, options: options, form: .bytes)
            }
            func scope(_ emissions: [Emission]) async throws -> [EventID] {
                let reservation = try await storage.reserveRoom(for: emissions.count)
                return try await storage.emit(emissions, into: reservation)
            }
            try await storage.put(1, total: 1)
            let placed = try emission(OrderPlaced(number: 1), EmitOptions(headers: ["tenant": "a"]))
            for refused in [
                [try emission(OrderPlaced(number: 2))], [placed, try emission(OrderPlaced(number: 2))],
                [try emission(OrderShipped(number: 1))],
                [try emission(OrderPlaced(number: 1), EmitOptions(deliverAt: .distantFuture))],
                [try emission(OrderPlaced(number: 1), EmitOptions(deduplicationKey: "a"))],
            ] {
                let error = await #expect(throws: StorageError.self) { try await scope(refused) }
                #expect(error?.code == .needsOutbox)
            }
            #expect(try await storage.status(1) == nil)
            #expect(try await scope([placed]) == [placed.envelope.id])
            #expect(try await storage.status(1)?.eventID == placed.envelope.id)
            _ = try await storage.attach()
            #expect(try await storage.claim().deliveries.map(\.envelope.headers) == [["tenant": "a"]])
            #expect(code(#expect(throws: StorageError.self) { try storage.validate(placed) }) == .needsOutbox)
            // Nothing of the reservations is kept.
            #expect(storage.context.room.bytes == 0)
        }
    }

    @Test func aTransactionalHandlerEmitsOfAnotherRow() async throws {
        try await withStatusStorage { storage in
            _ = try await storage.attach()
            try await storage.place([1])
            let claimed = try await storage.claim().deliveries
            let delivery = DeliveryID(subscription: "ledger", sequence: claimed[0].sequence)
            try await storage.transaction(settling: delivery) { tx in
                try tx.put(Order(number: 1, total: 5), for: 1, in: orders)
                try tx.put(Order(number: 2, total: 6), for: 2, in: orders)
                try tx.emit(OrderPlaced(number: 2))
            }
            #expect(try await storage.status(1)?.state == .succeeded)
            #expect(try await storage.read { try $0.value(for: 1, in: orders)?.total } == 5)
            #expect(try await storage.status(2)?.state == .pending)
            #expect(try await storage.events(storage.claim()).map(\.number) == [2])
        }
    }

    @Test func aFullStoreRefusesWithoutAMark() async throws {
        try await withStatusStorage(configuration: .init(maxBytes: 2 << 20)) { storage in
            var placed = 0
            var refused: (any Error)?
            while refused == nil, placed < 50_000 {
                do {
                    try await storage.place(placed..<placed + 100)
                    placed += 100
                } catch {
                    refused = error
                }
            }
            #expect(code(refused) == .storageFull)
            #expect(try await storage.status(UInt64(placed)) == nil)
            _ = try await storage.attach()
            // Settling has its reserve, though it writes each row again.
            while true {
                let claimed = try await storage.claim(limit: 500).deliveries
                if claimed.isEmpty { break }
                try await storage.settle(delivered: claimed.map(\.sequence))
            }
            #expect(try await storage.status(UInt64(placed - 1))?.state == .succeeded)
            try await storage.put(0, total: 2)
            #expect(try await storage.check().damages.isEmpty)
        }
    }
}
#endif

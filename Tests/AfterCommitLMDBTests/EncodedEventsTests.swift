#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

/// Lends an event's bytes as often as the event's number says, and then may fail.
private struct LendingCoder: EventCoder {
    let contentType = "application/x-lent"

    func encode<E: Event>(_ event: E) throws -> Data { Data("whole".utf8) }
    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E { throw Refusal() }

    func encode<E: Event>(_ event: E, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let order = event as? OrderPlaced else { throw Refusal() }
        for _ in 0..<order.number { try Data("lent \(order.number)".utf8).withUnsafeBytes(body) }
        if order.filler == "fails" { throw Refusal() }
    }
}

@Suite struct EncodedEventsTests {
    private let clock = FixedWallClock()

    private func envelopes(_ events: borrowing EncodedEvents) throws -> [Envelope] {
        var envelopes: [Envelope] = []
        for index in 0..<events.count {
            var reader = ByteReader(events[index])
            envelopes.append(try reader.envelope())
            let rest = reader.remaining
            #expect(rest == 0)
        }
        return envelopes
    }

    /// What is written at once must be what an `Envelope` is stored as.
    private func expectStoredForm(_ events: borrowing EncodedEvents) throws {
        for (index, envelope) in try envelopes(events).enumerated() {
            // A dictionary has no order to compare.
            guard envelope.headers.count < 2, case .bytes(let payload) = envelope.payload else { continue }
            var writer = ByteWriter()
            writer.put(envelope, payload: payload)
            let stored = Array(events[index])
            #expect(writer.bytes == stored)
        }
    }

    @Test func writesWhatAnEnvelopeIsStoredAs() throws {
        let factory = EnvelopeFactory(source: "/shop/ü", wallClock: clock)
        var events = EncodedEvents(for: factory, capacity: 0)
        let filler = String(repeating: "x", count: 3_000)
        for number in 0..<200 {
            clock.advance(by: 0.25)
            let key = number % 3 == 0 ? "key \(number)" : nil
            let headers =
                number % 5 == 0 ? ["tenant": "ä \(number)", "trace": ""] : number % 7 == 0 ? ["one": "1"] : [:]
            let options = EmitOptions(headers: headers)
            if number % 4 == 3 {
                try events.append(OrderShipped(number: number), options, factory)
            } else {
                let event = OrderPlaced(number: number, key: key, filler: number % 10 == 0 ? filler : "")
                try events.append(event, options, factory)
            }
        }
        try expectStoredForm(events)
        let written = try envelopes(events)
        let ids = events.ids
        #expect(ids.count == 200 && ids == written.map(\.id) && ids == ids.sorted())
        for (number, envelope) in written.enumerated() {
            guard case .bytes(let payload) = envelope.payload else { continue }
            #expect(envelope.source == "/shop/ü" && envelope.contentType == "application/json")
            #expect(envelope.time == FixedWallClock().now() + 0.25 * Double(number + 1))
            #expect(envelope.headers.count == (number % 5 == 0 ? 2 : number % 7 == 0 ? 1 : 0))
            if number % 4 == 3 {
                #expect(envelope.type == OrderShipped.type && envelope.orderingKey == nil)
                #expect(try factory.coder.decode(OrderShipped.self, from: payload).number == number)
            } else {
                #expect(envelope.type == OrderPlaced.type)
                #expect(envelope.orderingKey == (number % 3 == 0 ? "key \(number)" : nil))
                #expect(try factory.coder.decode(OrderPlaced.self, from: payload).number == number)
            }
        }
    }

    @Test func takesBackTheLast() throws {
        let factory = EnvelopeFactory(wallClock: clock)
        var events = EncodedEvents(for: factory)
        try events.append(OrderPlaced(number: 1), EmitOptions(), factory)
        let bytes = events.storedBytes
        try events.append(OrderShipped(number: 2), EmitOptions(deliverAt: .distantFuture), factory)
        try events.append(OrderShipped(number: 3), EmitOptions(deduplicationKey: "k"), factory)
        let before = (events.hasExceptional, events.count)
        #expect(before == (true, 3))
        events.truncate(to: 1)
        let after = (events.hasExceptional, events.count, events.storedBytes)
        #expect(after == (false, 1, bytes))
        // What the next one has in common with an event that was taken back is gone.
        try events.append(OrderPlaced(number: 4, filler: String(repeating: "y", count: 999)), EmitOptions(), factory)
        try events.append(OrderShipped(number: 5), EmitOptions(), factory)
        try expectStoredForm(events)
        let types = try envelopes(events).map(\.type)
        #expect(types == [OrderPlaced.type, OrderPlaced.type, OrderShipped.type])
        events.truncate(to: 0)
        let rest = (events.isEmpty, events.storedBytes)
        #expect(rest == (true, 0))
    }

    @Test func refusesACoderThatDoesNotLendOnce() async throws {
        try await withStorePath { path in
            let storage = try LMDBStorage(path: path, envelopes: EnvelopeFactory(coder: LendingCoder()))
            _ = try await storage.attach()
            try await storage.transaction { tx in
                try tx.emit(OrderPlaced(number: 1))
                for refused in [
                    OrderPlaced(number: 0), OrderPlaced(number: 2), OrderPlaced(number: 1, filler: "fails"),
                ] {
                    #expect(throws: EmitError.self) { try tx.emit(refused) }
                }
                try tx.emit(OrderPlaced(number: 1))
            }
            await #expect(throws: EmitError.self) {
                try await storage.emit(OrderPlaced(number: 2), options: EmitOptions())
            }
            let claimed = try await storage.claim().deliveries.map(\.envelope)
            #expect(claimed.count == 2)
            for envelope in claimed {
                let bytes = try envelope.bytes(using: LendingCoder())
                #expect(bytes == Data("lent 1".utf8))
                #expect(envelope.contentType == "application/x-lent")
            }
            await storage.close()
        }
    }

    /// One transaction's memory is the next one's: nothing of the first may be left in it.
    @Test func transactionsDoNotSeeEachOthersEvents() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.transaction { tx in
                for number in 0..<1_500 { try tx.emit(OrderPlaced(number: number)) }
            }
            await #expect(throws: Refusal()) {
                try await storage.transaction { tx in
                    try tx.emit(OrderShipped(number: 7), deduplicationKey: "k")
                    throw Refusal()
                }
            }
            try await storage.transaction { tx in _ = try tx.emit(OrderPlaced(number: 1_500)) }
            try await storage.transaction { _ in }
            #expect(try storage.numbers(try await storage.claim(limit: 2_000)) == Array(0...1_500))
        }
    }
}
#endif

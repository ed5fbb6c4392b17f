import AfterCommit
import Foundation
import Testing

private struct Placed: Event {
    static let type: EventType = "order.placed"
}

/// Which dead letters are compensated, and by which event.
@Suite struct CompensationTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let ids = EventIDGenerator()

    private func letter(
        _ reason: DeadLetter.Reason, type: EventType = Placed.type, headers: [String: String] = [:]
    ) -> DeadLetter {
        DeadLetter(
            id: DeliveryID(subscription: "data-platform", sequence: 17),
            envelope: Envelope(
                id: ids.next(), type: type, source: "/elsewhere", time: now - 60, schemaVersion: 3, orderingKey: "k",
                headers: headers, contentType: "application/cbor", payload: .bytes(Data([1, 2]))),
            reason: reason, history: DeliveryHistory(), deadSince: now, blocksKey: true)
    }

    private func emission(_ compensation: Compensation, _ letter: DeadLetter) -> Emission {
        compensation.emission(for: letter, id: ids.next(), time: now, source: "/shop")
    }

    private let standard = Compensation("cancel-order", of: Placed.self) { _, _ in }

    @Test(arguments: [
        (DeadLetter.Reason.exhausted, true), (.permanent, true), (.expired, false), (.crashLoop, false),
        (.cancelled, false), (.malformed, false), (DeadLetter.Reason(rawValue: "later"), false),
    ])
    func undoesWhatSurelyFailed(_ reason: DeadLetter.Reason, _ expected: Bool) {
        #expect(standard.compensates(letter(reason)) == expected)
    }

    @Test func undoesOtherReasonsByChoice() {
        let chosen = Compensation("cancel-order", of: Placed.self, reasons: [.expired, .cancelled]) { _, _ in }
        #expect(chosen.compensates(letter(.expired)))
        #expect(chosen.compensates(letter(.cancelled)))
        #expect(!chosen.compensates(letter(.exhausted)))
    }

    @Test func undoesItsTypesAndNeverACompensation() {
        #expect(!standard.compensates(letter(.exhausted, type: "order.shipped")))
        let every = Compensation(Subscription("undo", matching: "*") { _, _ in })
        #expect(every.compensates(letter(.exhausted, type: "order.shipped")))
        #expect(!every.compensates(letter(.exhausted, type: Compensation.eventType(of: "undo"))))
        let orders = Compensation(Subscription("undo", matching: "order.*") { _, _ in })
        #expect(orders.compensates(letter(.exhausted)))
        #expect(!orders.compensates(letter(.exhausted, type: "invoice.sent")))
    }

    @Test func itsEventIsTheDeadOnesUnderATypeOfItsOwn() {
        let dead = letter(.permanent, headers: ["traceparent": "00-a-b-01", "correlationid": "c", "causationid": "x"])
        let envelope = emission(standard, dead).envelope
        #expect(envelope.type == "aftercommit.compensation.cancel-order")
        #expect(standard.subscription.types == ["aftercommit.compensation.cancel-order"])
        #expect(envelope.id != dead.envelope.id)
        #expect(envelope.time == now)
        #expect(envelope.source == "/shop")
        #expect(envelope.schemaVersion == 3)
        #expect(envelope.orderingKey == "k")
        #expect(envelope.contentType == "application/cbor")
        guard case .bytes(Data([1, 2])) = envelope.payload else { return #expect(Bool(false), "other bytes") }
        #expect(
            envelope.headers == [
                "traceparent": "00-a-b-01", "correlationid": "c", "causationid": "\(dead.envelope.id)",
                "deadletter": "data-platform/17", "deadletterreason": "permanent",
            ])
    }

    @Test func anEventWithoutACorrelationBeginsOne() {
        let dead = letter(.exhausted)
        #expect(emission(standard, dead).envelope.headers["correlationid"] == "\(dead.envelope.id)")
    }

    @Test func oneKeyStandsForAnEventAndItsCompensation() {
        let dead = letter(.exhausted)
        let first = emission(standard, dead).deduplication
        #expect(first != nil)
        #expect(first == emission(standard, dead).deduplication, "a redriven one")
        #expect(first?.key != emission(standard, letter(.exhausted)).deduplication?.key, "another event")
        let other = Compensation("tell-support", of: Placed.self) { _, _ in }
        #expect(first?.key != emission(other, dead).deduplication?.key, "another compensation")
        let long = Compensation(String(repeating: "x", count: 100), of: Placed.self) { _, _ in }
        let bytes = emission(long, dead).deduplication?.key.utf8.count ?? .max
        #expect(bytes <= EnvelopeFactory.maxDeduplicationKeyBytes)
    }

    @Test(
        arguments: [
            ("order.placed", "order.placed", true), ("order.placed", "order.shipped", false),
            ("order.*", "order.placed", true),
            ("order.*", "invoice.sent", false), ("order.placed", "order.*", true), ("order.placed", "invoice.*", false),
            ("order.*", "order.line.*", true), ("order.line.*", "order.*", true), ("order.*", "invoice.*", false),
            ("*", "order.*", true), ("order.placed", "*", true),
        ] as [(EventTypePattern, EventTypePattern, Bool)])
    func patternsThatMayMeet(_ subscribed: EventTypePattern, _ asked: EventTypePattern, _ expected: Bool) {
        #expect(EventTypeSelection([subscribed]).mayGet(asked) == expected)
    }
}

import AfterCommit
import AfterCommitTesting
import Foundation
import Testing

/// An event that nests as deep as its bytes do.
private struct Nested: Event {
    static let type: EventType = "fault.nested"
    var inner: [Nested]?
    var number: Double?
}

private struct ProbeV2: Event {
    static let type = Probe.type
    static let schemaVersion = 2
    static let upcasters: [Upcaster<ProbeV2>] = [.from(version: 1, Probe.self) { ProbeV2(label: "\($0.number)") }]
    var label: String
}

/// FAULTS 29 and 30: bytes that cannot be read, and those that cannot be read yet.
@Suite struct FaultPayloadTests {
    @Test(arguments: [
        "", "{", "nul", "[]", "{\"number\":", "{\"number\":\"1\"}", "{\"number\":1}{", "\u{0}\u{1}",
        "{\"number\":1e999999,\"text\":\"\"}",
        "{\"number\":1" + String(repeating: "0", count: 10_000) + ",\"text\":\"\"}",
        "{\"number\":-0.5,\"text\":\"\"}", "{\"number\":1,\"text\":\"\\ud800\"}",
        String(repeating: "[", count: 200_000), String(repeating: "{\"number\":", count: 100_000),
    ])
    func fault29BytesThatCannotBeReadAreDeadAtOnce(_ payload: String) async throws {
        try await expectDead(Data(payload.utf8))
    }

    @Test func fault29BytesThatAreNoTextAreDeadAtOnce() async throws {
        try await expectDead(Data([0xFF, 0xFE, 0x00, 0xC3, 0x28]))
        try await expectDead(Data("{\"number\":1,\"text\":\"".utf8) + Data([0xC3, 0x28]) + Data("\"}".utf8))
    }

    private func expectDead(_ payload: Data) async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Probe>()
        try await trial.running([handler.subscription()]) { engine in
            try await trial.store(payload)
            try await engine.emit(Probe(number: 2))
            try await engine.drain()
            #expect(handler.numbers == [2], "the others go on")
            let letter = try #require(try await engine.deadLetters().first)
            #expect(letter.reason == .malformed)
            #expect(letter.history.attempts == 1)
            #expect(try letter.envelope.bytes(using: trial.storage.coder) == payload)
            #expect(letter.history.failures.allSatisfy { $0.message.count <= 500 })
        }
    }

    @Test(arguments: [100, 400, 5_000, 50_000])
    func fault29DeepNestingEndsInADeliveryOrADeadLetter(_ depth: Int) async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Nested>()
        let bytes = String(repeating: "{\"inner\":[", count: depth) + "{}" + String(repeating: "]}", count: depth)
        try await trial.running([Subscription("nested", to: Nested.self) { try await handler($0, $1) }]) { engine in
            try await trial.store(Data(bytes.utf8), type: Nested.type)
            try await engine.drain()
            let dead = try await engine.deadLetters()
            #expect(handler.succeeded.count + dead.count == 1)
            #expect(dead.allSatisfy { $0.reason == .malformed })
            if depth > 1_000 { #expect(dead.count == 1) }
        }
    }

    @Test func fault30AVersionOfTomorrowWaitsForItsBinary() async throws {
        let trial = FaultTrial()
        let today = RecordingHandler<Probe>()
        try await trial.running([today.subscription()]) { engine in
            try await trial.store(Data("{\"label\":\"new\"}".utf8), version: 2)
            try await trial.store(Data("{\"number\":1,\"text\":\"\"}".utf8))
            try await engine.drain()
            #expect(today.numbers == [1])
            #expect(try await engine.status().first?.counts.parked == 1)
            #expect(try await engine.deliveries(DeliveryQuery(state: .parked)).count == 1)
            #expect(try await engine.deadLetters().isEmpty)
        }
        // Rolled forward, and back, and forward again: it is never dead for that.
        let tomorrow = RecordingHandler<ProbeV2> { event, _ in
            if event.label == "new" { throw HandlerOutcome.retry(after: .seconds(60)) }
        }
        let next = Subscription("probe", to: ProbeV2.self) { try await tomorrow($0, $1) }
        try await trial.running([next]) { engine in
            try await engine.waitUntilIdle()
            #expect(try await engine.status().first?.counts.retrying == 1)
        }
        trial.clock.advance(by: .seconds(60))
        try await trial.running([today.subscription()]) { engine in
            try await engine.drain()
            #expect(try await engine.status().first?.counts.parked == 1)
        }
        let last = RecordingHandler<ProbeV2>()
        try await trial.running([Subscription("probe", to: ProbeV2.self) { try await last($0, $1) }]) { engine in
            try await engine.drain()
            #expect(last.calls.map(\.event.label) == ["new"])
            #expect(last.calls.map(\.context.attempt) == [2])
        }
    }
}

import AfterCommit
import AfterCommitTesting
import Foundation
import Synchronization
import Testing

/// A coder whose bytes are no text at all.
private struct RawCoder: EventCoder {
    let contentType = "application/octet-stream"

    func encode<E: Event>(_ event: E) throws -> Data {
        guard let probe = event as? Probe else { throw Broken() }
        return Data(probe.text.utf8.map { ~$0 })
    }

    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E {
        guard let event = Probe(text: String(decoding: bytes.map { ~$0 }, as: UTF8.self)) as? E else { throw Broken() }
        return event
    }
}

/// FAULTS 20, 28 and 31: what emitters do to a storage.
@Suite struct FaultEmittingTests {
    @Test func fault20OneKeyOrIDTwiceIsOneEvent() async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Probe>()
        try await trial.running([handler.subscription()]) { engine in
            let first = try await engine.emit(Probe(number: 1), deduplicationKey: "k")
            #expect(try await engine.emit(Probe(number: 1), deduplicationKey: "k") == first)
            await #expect(throws: EmitError.self) { try await engine.emit(Probe(number: 2), deduplicationKey: "k") }
            let id = EventID(UUID())
            for _ in 0..<2 {
                #expect(try await engine.emit(Probe(number: 3), options: EmitOptions(id: id)) == id)
            }
            await #expect(throws: EmitError.self) {
                try await engine.emit(Probe(number: 4), options: EmitOptions(id: id))
            }
            try await engine.drain()
            #expect(handler.numbers.sorted() == [1, 3])
        }
        // A recorder refuses what a storage would.
        let emitter = RecordingEmitter()
        let first = try emitter.emit(Probe(number: 1), deduplicationKey: "k")
        #expect(try emitter.emit(Probe(number: 1), deduplicationKey: "k") == first)
        #expect(throws: EmitError.self) { try emitter.emit(Probe(number: 2), deduplicationKey: "k") }
        try emitter.requireEmitted(Probe.self, count: 1)
    }

    @Test func fault28NoBytesAndNoTextArriveAsTheyWere() async throws {
        let trial = FaultTrial(coder: RawCoder())
        let handler = RecordingHandler<Probe>()
        let payloads = Mutex<[Data]>([])
        let raw = Subscription("raw", matching: "fault.*") { _, context in
            let payload = try context.payload()
            payloads.withLock { $0.append(payload) }
        }
        try await trial.running([handler.subscription(), raw]) { engine in
            try await engine.emit(Probe(text: ""))
            try await engine.emit(Probe(text: "\u{0}abc\u{7F}"))
            try await engine.drain()
            #expect(Set(handler.calls.map(\.event.text)) == ["", "\u{0}abc\u{7F}"])
            #expect(Set(payloads.withLock { $0 }) == [Data(), Data([0xFF, 0x9E, 0x9D, 0x9C, 0x80])])
        }
    }

    @Test func fault28AHundredMegabytesAreRefusedBeforeAnyWrite() async throws {
        let trial = FaultTrial()
        let handler = RecordingHandler<Probe>()
        let huge = Probe(text: String(repeating: "x", count: 100_000_000))
        let rows = Table<String, Int>("rows")
        try await trial.running([handler.subscription()]) { engine in
            await #expect(throws: EmitError.self) { try await engine.emit(huge) }
            await #expect(throws: EmitError.self) {
                try await trial.storage.transaction { tx in
                    try tx.put(1, for: "a", in: rows)
                    try tx.emit(huge)
                }
            }
            #expect(try await engine.deliveries().isEmpty)
            #expect(try await trial.storage.read { try $0.value(for: "a", in: rows) } == nil)
            await #expect(throws: EmitError.self) {
                try await engine.emit(Probe(key: String(repeating: "ü", count: 256)))
            }
            await #expect(throws: EmitError.orderingKeyTooLong(bytes: 512, limit: 400)) {
                try await engine.emit(Probe(key: String(repeating: "k", count: 512)))
            }
            try await engine.emit(Probe(number: 1, key: String(repeating: "k", count: 400)))
            try await engine.drain()
            #expect(handler.numbers == [1])
        }
    }

    @Test func fault31AFastProducerWaitsAndMemoryIsBounded() async throws {
        let trial = FaultTrial(configuration: .init(capacity: 100, retainedEvents: 100))
        let most = Mutex(0)
        let storage = trial.storage
        let handler = RecordingHandler<Probe> { _, _ in
            let pending = try await storage.counts(subscription: "probe").pending
            most.withLock { $0 = max($0, pending) }
        }
        try await trial.running([handler.subscription()]) { engine in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for producer in 0..<4 {
                    group.addTask {
                        for number in 0..<500 { try await engine.emit(Probe(number: producer * 500 + number)) }
                    }
                }
                try await group.waitForAll()
            }
            try await engine.drain()
            #expect(handler.numbers.sorted() == Array(0..<2_000))
            #expect(most.withLock { $0 } <= 100)
            // What was delivered stays for inspection, up to a bound.
            #expect(try await engine.deliveries(DeliveryQuery(limit: 10_000)).count <= 600)
        }
    }
}

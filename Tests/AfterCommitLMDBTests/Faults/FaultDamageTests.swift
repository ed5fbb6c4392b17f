#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
import Testing

@testable import AfterCommitLMDB

@Suite struct FaultDamageTests {
    @Test("Fault 13: a damaged event becomes a dead letter and the others go on")
    func damagedEventBecomesADeadLetterAndTheOthersGoOn() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach()
            try await storage.emit(
                contentsOf: (1...3).map { OrderPlaced(number: $0, filler: "needle-\($0)-") }, headers: [:])
            await storage.close()
            // One bit, as a failing disk would turn it.
            let url = URL(fileURLWithPath: path + "/data.mdb")
            var bytes = try Data(contentsOf: url)
            let place = try #require(bytes.range(of: Data("needle-2-".utf8)))
            bytes[place.lowerBound] ^= 1
            let file = try FileHandle(forWritingTo: url)
            try file.write(contentsOf: bytes)
            try file.close()
            storage = try open(path)
            let handled = Mutex<[Int]>([])
            let subscription = Subscription("ledger", to: OrderPlaced.self) { event, _ in
                handled.withLock { $0.append(event.number) }
            }
            let engine = try await EventEngine(
                storage: storage, logger: Logger(label: "test"), subscriptions: [subscription])
            try await engine.drain()
            #expect(handled.withLock { $0.sorted() } == [1, 3])
            let letters = try await storage.deadLetters(DeadLetterQuery())
            #expect(letters.map(\.id.sequence) == [2])
            #expect(letters.first?.reason == .malformed)
            let kept = try #require(try letters.first?.envelope.bytes(using: storage.coder))
            #expect(kept.range(of: Data("eedle-2-".utf8)) != nil)
            try await engine.emit(OrderPlaced(number: 4))
            try await engine.drain()
            #expect(handled.withLock { $0.contains(4) })
            await storage.close()
        }
    }

    @Test func recordUnderAnotherKeyIsFound() throws {
        var value = [UInt8](repeating: 0, count: 20)
        try withKey(of: UInt64(1)) { key throws(StorageError) in
            value.withUnsafeMutableBytes { Record.seal($0, key: key) }
            _ = try withBytes(value) { bytes throws(StorageError) in try Record.content(of: bytes, key: key).count }
        }
        #expect(throws: StorageError.self) {
            try withKey(of: UInt64(2)) { key throws(StorageError) in
                try withBytes(value) { bytes throws(StorageError) in try Record.content(of: bytes, key: key).count }
            }
        }
    }

    @Test(arguments: [true, false])
    func checksumIsCRC32C(usesInstruction: Bool) {
        // RFC 3720, appendix B.4, and the usual check value.
        func crc(_ bytes: [UInt8]) -> UInt32 {
            var crc = CRC32C(usesInstruction: usesInstruction)
            bytes.withUnsafeBytes { crc.update($0) }
            return crc.value
        }
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc([UInt8](0..<32)) == 0x46DD_794E)
    }

    @Test("Fault 47: decoders take any bytes") func decodersTakeAnyBytes() {
        var random = Xoshiro256(seed: 42)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
                UInt8.random(in: Bool.random(using: &random) ? 0...3 : 0...255, using: &random)
            }
            decodeAll(bytes)
        }
    }

    @Test("Fault 47: decoders take damaged records") func decodersTakeDamagedRecords() throws {
        let history = DeliveryHistory(
            attempts: 3, replayCount: 1,
            failures: [
                AttemptFailure(
                    attempt: 3, startedAt: .distantPast, duration: 1, errorType: "E", message: "m", status: -1)
            ])
        let envelope = Envelope(
            id: EventID(high: 1, low: 2), type: "a.b", source: "/", time: .distantPast, orderingKey: "k",
            headers: ["a": "b"], payload: .bytes(Data("{}".utf8)))
        let letter = DeadLetter(
            id: DeliveryID(subscription: "s", sequence: 1), envelope: envelope, reason: .exhausted,
            history: history, deadSince: .distantPast, blocksKey: true)
        let exception = ExceptionRecord(
            state: .retrying(due: .distantFuture), orderingKey: "k", history: history, envelope: envelope)
        var subscription = SubscriptionRecord(name: "s", id: 1, start: 5, types: ["a", "b"])
        subscription.settledAhead = [7..<9, 12..<20]
        let coder = JSONEventCoder()
        for bytes in [
            try letter.encoded(coder: coder), try exception.encoded(coder: coder), subscription.encoded(),
        ] {
            for index in bytes.indices {
                for change in [UInt8(1), 0x7F, 0x80, 0xFF] {
                    var damaged = bytes
                    damaged[index] ^= change
                    decodeAll(damaged)
                }
                decodeAll(Array(bytes.prefix(index)))
            }
        }
        let read = try withBytes(try letter.encoded(coder: coder)) { bytes throws(StorageError) in
            try DeadLetter(id: letter.id, decoding: bytes)
        }
        #expect(read.history == history)
        #expect(read.envelope.headers == ["a": "b"])
    }

    private func decodeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            _ = try? LogRecord.envelope(bytes)
            _ = try? LogRecord.head(bytes)
            _ = try? SubscriptionRecord(name: "s", decoding: bytes)
            _ = try? ExceptionRecord(decoding: bytes)
            _ = try? DeadLetter(id: DeliveryID(subscription: "s", sequence: 1), decoding: bytes)
            _ = DeliveryKey(bytes)
            _ = DueKey(bytes)
            _ = try? Record.content(of: bytes, key: bytes)
        }
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Testing

@testable import AfterCommitLMDB

/// FAULT 47: bytes of any kind give a value or an error, never a trap.
@Suite struct FaultRandomBytesTests {
    private static let decoders: [(String, @Sendable (UnsafeRawBufferPointer) throws -> Void)] = [
        ("log record", { _ = try LogRecord.envelope($0) }),
        ("log head", { _ = try LogRecord.head($0) }),
        ("time of a log record", { _ = try LogRecord.recordedMilliseconds($0) }),
        ("subscription", { _ = try SubscriptionRecord(name: "s", decoding: $0) }),
        ("exception", { _ = try ExceptionRecord(decoding: $0) }),
        ("exception's head", { _ = try ExceptionRecord.head($0) }),
        ("dead letter", { _ = try DeadLetter(id: DeliveryID(subscription: "s", sequence: 1), decoding: $0) }),
        ("dead letter's head", { _ = try DeadLetter.head($0) }),
        ("deduplication", { _ = try DeduplicationTable.decode($0) }),
        ("age of a deduplication key", { _ = DeduplicationAges.decodeAge($0) }),
        ("keys of one age", { _ = try DeduplicationAges.decode($0) }),
        ("delayed key", { _ = DelayedTable.Key($0) }),
        ("delivery key", { _ = DeliveryKey($0) }),
        ("due key", { _ = DueKey($0) }),
        ("sealed record", { _ = try Record.content(of: $0, key: $0) }),
    ]

    @Test(arguments: decoders.indices) func fault47AnyBytesGiveAValueOrAnError(_ index: Int) {
        var random = Xoshiro256(seed: UInt64(index + 1))
        for round in 0..<5_000 {
            let limit: UInt8 = round % 2 == 0 ? 3 : 255
            let bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                UInt8.random(in: 0...limit, using: &random)
            }
            try? bytes.withUnsafeBytes(Self.decoders[index].1)
        }
    }

    @Test func fault47AnyBytesInTheJSONAndTheIDs() {
        var random = Xoshiro256(seed: 47)
        let alphabet = Array("{}[]\",:0123456789.eE+-truefalsn\\u \u{0}".utf8)
        let coder = JSONEventCoder()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<60, using: &random)).compactMap { _ in
                alphabet.randomElement(using: &random)
            }
            _ = try? coder.decode(OrderPlaced.self, from: Data(bytes))
            _ = try? coder.decodeValue(InboxRecord.self, from: Data(bytes))
            _ = EventID(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// What a subscription's place becomes after damage must do no harm either.
    @Test func fault47APlaceThatWasReadIsOneThatWorks() {
        var random = Xoshiro256(seed: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 6..<40, using: &random)).map { _ in UInt8.random(in: 0...12, using: &random)
            }
            guard let record = try? bytes.withUnsafeBytes({ try SubscriptionRecord(name: "s", decoding: $0) }) else {
                continue
            }
            var cursor = SubscriptionCursor(settledBelow: record.settledBelow, settledAhead: record.settledAhead)
            _ = cursor.claimNext(below: 1_000)
            cursor.settle([5, 6])
            #expect(cursor.isSettled(5))
        }
    }
}
#endif

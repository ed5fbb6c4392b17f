#if LMDB
import AfterCommit
import CLMDB
import Foundation
import Testing

@testable import AfterCommitLMDB

/// A store as the first version wrote it: no identity, no trees for what came later, and rows that all own their envelope.
enum Version1 {
    /// The row of a delivery that retries, or is blocked where it is not due.
    static func exception(due: Date?, _ history: DeliveryHistory?, _ envelope: Envelope) throws -> [UInt8] {
        var writer = ByteWriter()
        if let due {
            writer.put(UInt8(1))
            writer.put(due)
        } else {
            writer.put(UInt8(2))
        }
        writer.put(envelope.orderingKey) { $0.put($1) }
        writer.put(history) { put($1, &$0) }
        writer.put(envelope, payload: try envelope.bytes(using: JSONEventCoder()))
        return writer.bytes
    }

    static func deadLetter(_ letter: DeadLetter) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.put(letter.blocksKey)
        writer.put(letter.envelope.orderingKey) { $0.put($1) }
        writer.put(letter.reason.rawValue)
        writer.put(letter.deadSince)
        put(letter.history, &writer)
        writer.put(letter.envelope, payload: try letter.envelope.bytes(using: JSONEventCoder()))
        return writer.bytes
    }

    private static func put(_ history: DeliveryHistory, _ writer: inout ByteWriter) {
        writer.put(history.attempts)
        writer.put(history.replayCount)
        writer.put(UInt64(history.failures.count))
        for failure in history.failures {
            writer.put(failure.attempt)
            writer.put(failure.startedAt)
            writer.put(failure.duration)
            writer.put(failure.errorType)
            writer.put(failure.message)
            writer.put(failure.status) { $0.put($1) }
        }
    }
}

extension LMDBStorage {
    /// Turns the store into one of version 1, which it is when it is opened next. `rows` puts that version's rows in place.
    func turnIntoVersion1(rows: @escaping @Sendable (WriteGroup) throws -> Void = { _ in }) async throws {
        let databases = context.databases
        try await write(
            WriteRequest(bytes: 1) { group in
                try rows(group)
                let transaction = group.transaction
                try withKey("format") { key throws(StorageError) in
                    try transaction.put(key, in: databases.meta, content: [1, 0, 0, 0])
                }
                for name in ["id", "subscriptions.last"] {
                    _ = try withKey(name) { key throws(StorageError) in try transaction.delete(key, in: databases.meta)
                    }
                }
                for number in [
                    databases.delayed, databases.deduplication, databases.deduplicationAges, databases.quarantine,
                ] {
                    try AfterCommitLMDB.check(mdb_drop(transaction.pointer, number, 1), "mdb_drop")
                }
            })
    }
}
#endif

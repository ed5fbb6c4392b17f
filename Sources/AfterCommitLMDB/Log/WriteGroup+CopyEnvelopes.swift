#if LMDB
import AfterCommit
import Logging

extension WriteGroup {
    /// Gives the exceptions of these sequences copies of their envelopes, which are about to leave the log.
    func copyEnvelopes(from first: UInt64, through last: UInt64) throws(StorageError) {
        let exceptions = context.exceptions(transaction)
        let log = context.log(transaction)
        for subscription in try context.subscriptions(transaction).all() {
            var needing: [(sequence: UInt64, record: ExceptionRecord)] = []
            var damaged: [UInt64] = []
            try exceptions.scan(subscription.id, from: first) { sequence, entry throws(StorageError) in
                guard sequence <= last else { return false }
                guard let content = try? entry.content(), let record = try? ExceptionRecord(decoding: content) else {
                    // It is left as it is; claiming reports it. Its event may be whole.
                    damaged.append(sequence)
                    return true
                }
                if record.envelope == nil { needing.append((sequence, record)) }
                return true
            }
            for sequence in damaged { try quarantineLogged(sequence) }
            for (sequence, needingRecord) in needing {
                var record = needingRecord
                do throws(StorageError) {
                    record.envelope = try log.envelope(sequence)
                } catch {
                    guard error.lmdbError == nil else { throw error }
                    try quarantineLogged(sequence)
                    continue
                }
                let row = try record.encodedStored(context.envelopes.coder)
                try exceptions.put(DeliveryKey(subscription.id, sequence), row)
                wrote(Space.storedBytes(of: row.count))
            }
        }
    }

    /// Keeps the stored bytes of an event when the log forgets it, where it or its delivery's row cannot be read.
    private func quarantineLogged(_ sequence: UInt64) throws(StorageError) {
        let bytes = try withKey(of: sequence) { key throws(StorageError) in
            try transaction.stored(key, in: context.databases.log).map { Array($0) }
        }
        guard let bytes else { return }
        try quarantine("log", key: withUnsafeBytes(of: sequence.bigEndian) { Array($0) }, bytes)
    }
}
#endif

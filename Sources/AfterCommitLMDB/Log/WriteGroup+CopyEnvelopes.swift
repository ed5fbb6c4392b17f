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
            try exceptions.scan(subscription.id, from: first) { sequence, entry throws(StorageError) in
                guard sequence <= last else { return false }
                // What cannot be read is left as it is; claiming reports it.
                if let content = try? entry.content(), let record = try? ExceptionRecord(decoding: content),
                    record.envelope == nil
                {
                    needing.append((sequence, record))
                }
                return true
            }
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

    /// Keeps the stored bytes of an event that cannot be read when the log forgets it.
    private func quarantineLogged(_ sequence: UInt64) throws(StorageError) {
        let bytes = try withKey(of: sequence) { key throws(StorageError) in
            try transaction.stored(key, in: context.databases.log).map { Array($0) }
        }
        guard let bytes else { return }
        try quarantine("log", key: withUnsafeBytes(of: sequence.bigEndian) { Array($0) }, bytes)
    }
}
#endif

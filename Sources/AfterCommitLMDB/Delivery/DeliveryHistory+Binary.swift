#if LMDB
import AfterCommit
import Foundation

extension ByteWriter {
    mutating func put(_ history: DeliveryHistory) {
        put(history.attempts)
        put(history.replayCount)
        put(history.spent)
        put(UInt64(history.failures.count))
        for failure in history.failures {
            put(failure.attempt)
            put(failure.startedAt)
            put(failure.duration)
            put(failure.errorType)
            put(failure.message)
            put(failure.status) { $0.put($1) }
        }
    }
}

extension ByteReader {
    mutating func history() throws(StorageError) -> DeliveryHistory {
        DeliveryHistory(
            attempts: try signed(), replayCount: try signed(), spent: try double(), failures: try failures())
    }

    mutating func failures() throws(StorageError) -> [AttemptFailure] {
        var failures: [AttemptFailure] = []
        for _ in 0..<(try count()) {
            failures.append(
                AttemptFailure(
                    attempt: try signed(), startedAt: try date(), duration: try double(),
                    errorType: try string(), message: try string(),
                    status: try optional { reader throws(StorageError) in try reader.signed() }))
        }
        return failures
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Logging

/// What becomes of records that cannot be read.
extension Claiming {
    /// `nil` and a line in the log for a record that cannot be read; the others go on.
    func readable<T>(
        _ sequence: UInt64, _ body: () throws(StorageError) -> T
    ) throws(StorageError) -> T? {
        do throws(StorageError) {
            return try body()
        } catch {
            guard error.lmdbError == nil else { throw error }
            context.logger.error(
                "a stored delivery cannot be read",
                metadata: [LogKey.error: "\(error)", "sequence": "\(sequence)"])
            return nil
        }
    }

    /// The bytes that cannot be read: the row's, or the log's where the row is whole and its event is not.
    func storedBytes(of key: DeliveryKey, _ transaction: Transaction) throws(StorageError) -> Data {
        let row = try key.withBytes { place throws(StorageError) -> Data? in
            guard let stored = try transaction.stored(place, in: context.databases.exceptions) else { return nil }
            guard let content = try? Record.content(of: stored, key: place),
                let record = try? ExceptionRecord(decoding: content), record.envelope == nil
            else { return Data(stored) }
            return nil
        }
        if let row { return row }
        return try withKey(of: key.sequence) { place throws(StorageError) in
            try transaction.stored(place, in: context.databases.log).map { Data($0) } ?? Data()
        }
    }

    /// Makes a dead letter of the bytes as they are, so that the subscription goes on and a person sees it.
    func giveUp(_ sequence: UInt64, _ bytes: Data, _ request: ClaimRequest) {
        context.logger.error(
            "an event cannot be read and becomes a dead letter",
            metadata: [LogKey.subscription: "\(request.subscription)", "sequence": "\(sequence)"])
        let envelope = Envelope(
            id: EventID(high: 0, low: sequence), type: "aftercommit.unreadable", source: "/",
            time: request.now, contentType: "application/octet-stream", payload: .bytes(bytes))
        let letter = DeadLetter(
            id: DeliveryID(subscription: request.subscription, sequence: sequence), envelope: envelope,
            reason: .malformed, history: DeliveryHistory(), deadSince: request.now, blocksKey: false)
        quarantine(
            SettlementBatch(
                subscription: request.subscription,
                exceptions: [
                    Settlement(
                        delivery: ClaimedDelivery(sequence: sequence, envelope: envelope),
                        outcome: .deadLettered(letter))
                ]))
    }
}
#endif

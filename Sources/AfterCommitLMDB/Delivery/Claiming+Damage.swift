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
                "a stored delivery cannot be read and is passed over",
                metadata: [LogKey.error: "\(error)", "sequence": "\(sequence)"])
            return nil
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

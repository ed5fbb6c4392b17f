#if LMDB
import AfterCommit
import Foundation

/// A delivery that left the log's straight way: it retries, or waits behind its key. It owns a copy of its envelope.
struct ExceptionRecord {
    enum State {
        case retrying(due: Date)
        case blocked
    }

    /// What can be read without the envelope.
    struct Head {
        var state: State
        var orderingKey: String?

        var due: Date? { if case .retrying(let due) = state { due } else { nil } }
    }

    var state: State
    var delivery: ClaimedDelivery

    func encoded(coder: any EventCoder) throws -> [UInt8] {
        var writer = ByteWriter()
        switch state {
        case .retrying(let due):
            writer.put(UInt8(1))
            writer.put(due)
        case .blocked:
            writer.put(UInt8(2))
        }
        writer.put(delivery.envelope.orderingKey) { $0.put($1) }
        writer.put(delivery.history) { $0.put($1) }
        writer.put(delivery.envelope, payload: try delivery.envelope.bytes(using: coder))
        return writer.bytes
    }

    init(state: State, delivery: ClaimedDelivery) {
        self.state = state
        self.delivery = delivery
    }

    init(sequence: UInt64, decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        state = try reader.exceptionHead().state
        let history = try reader.optional { reader throws(StorageError) in try reader.history() }
        delivery = ClaimedDelivery(
            sequence: sequence, envelope: try reader.envelope(), history: history)
    }

    static func head(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Head {
        var reader = ByteReader(content)
        return try reader.exceptionHead()
    }
}

extension ByteReader {
    fileprivate mutating func exceptionHead() throws(StorageError) -> ExceptionRecord.Head {
        let state: ExceptionRecord.State
        switch try byte() {
        case 1: state = .retrying(due: try date())
        case 2: state = .blocked
        default: throw StorageError(.corrupted, "a delivery is in a state that this version does not know")
        }
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        return ExceptionRecord.Head(state: state, orderingKey: orderingKey)
    }
}
#endif

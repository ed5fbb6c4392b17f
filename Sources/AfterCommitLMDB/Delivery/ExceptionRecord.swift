#if LMDB
import AfterCommit
import Foundation

/// A delivery that left the log's straight way: it retries, waits behind its key, or for a binary that knows it.
///
/// Its envelope is in the log, until trimming passes it: then the record owns a copy.
struct ExceptionRecord {
    enum State: Equatable {
        case retrying(due: Date)
        case blocked
        case parked

        var due: Date? { if case .retrying(let due) = self { due } else { nil } }

        var deliveryState: DeliveryState {
            switch self {
            case .retrying: .retrying
            case .blocked: .blocked
            case .parked: .parked
            }
        }
    }

    /// What can be read without the envelope.
    struct Head {
        var state: State
        var orderingKey: String?
        var ownsEnvelope: Bool
        var history: DeliveryHistory?
    }

    var state: State
    var orderingKey: String?
    var history: DeliveryHistory?
    /// `nil` where the log has it.
    var envelope: Envelope?

    init(state: State, orderingKey: String?, history: DeliveryHistory?, envelope: Envelope?) {
        self.state = state
        self.orderingKey = orderingKey
        self.history = history
        self.envelope = envelope
    }

    init(decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        let head = try reader.exceptionHead()
        state = head.state
        orderingKey = head.orderingKey
        history = head.history
        envelope = head.ownsEnvelope ? try reader.envelope() : nil
    }

    func encoded(coder: any EventCoder) throws -> [UInt8] {
        var writer = ByteWriter()
        switch state {
        case .retrying(let due):
            writer.put(UInt8(1))
            writer.put(due)
        case .blocked: writer.put(UInt8(2))
        case .parked: writer.put(UInt8(3))
        }
        writer.put(orderingKey) { $0.put($1) }
        writer.put(history) { $0.put($1) }
        writer.put(envelope != nil)
        if let envelope { writer.put(envelope, payload: try envelope.bytes(using: coder)) }
        return writer.bytes
    }

    /// The stored form of a record that was read from the store: its payload is bytes, so encoding it cannot fail.
    func encodedStored(_ coder: any EventCoder) throws(StorageError) -> [UInt8] {
        do {
            return try encoded(coder: coder)
        } catch {
            throw StorageError(.corrupted, "a stored delivery cannot be written again", cause: error)
        }
    }

    static func head(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Head {
        var reader = ByteReader(content)
        return try reader.exceptionHead()
    }

    /// The state in a stored value, unchecked and without its date; `nil` for one this version does not know.
    static func storedState(_ value: UnsafeRawBufferPointer) -> DeliveryState? {
        guard value.count > Record.headerBytes else { return nil }
        return switch value[Record.headerBytes] {
        case 1: .retrying
        case 2: .blocked
        case 3: .parked
        default: nil
        }
    }
}

extension ByteReader {
    fileprivate mutating func exceptionHead() throws(StorageError) -> ExceptionRecord.Head {
        let state: ExceptionRecord.State
        switch try byte() {
        case 1: state = .retrying(due: try date())
        case 2: state = .blocked
        case 3: state = .parked
        default: throw StorageError(.corrupted, "a delivery is in a state that this version does not know")
        }
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        let history = try optional { reader throws(StorageError) in try reader.history() }
        return ExceptionRecord.Head(
            state: state, orderingKey: orderingKey, ownsEnvelope: try flag(), history: history)
    }
}

extension StoreContext {
    /// The type of what is handed out in the place of an event that cannot be read.
    static let unreadable: EventType = "aftercommit.unreadable"

    /// The delivery of an exception, with its event made of its row where the store has a status column.
    func delivery(
        _ sequence: UInt64, _ record: ExceptionRecord, _ transaction: Transaction, _ rows: StatusRows?
    ) throws(StorageError) -> ClaimedDelivery {
        let delivery = try delivery(sequence, record, transaction)
        return try rows?.resolved(delivery) ?? delivery
    }

    /// The delivery of an exception, with its envelope from wherever it is.
    func delivery(
        _ sequence: UInt64, _ record: ExceptionRecord, _ transaction: Transaction
    ) throws(StorageError) -> ClaimedDelivery {
        if let envelope = record.envelope {
            var delivery = ClaimedDelivery(sequence: sequence, envelope: envelope, history: record.history)
            // Redriven though its event was lost: it is as dead as before.
            delivery.isDamaged = envelope.type == Self.unreadable
            return delivery
        }
        guard let envelope = try log(transaction).envelope(sequence) else {
            throw StorageError(.corrupted, "delivery \(sequence) has no envelope: it is neither its own nor in the log")
        }
        return ClaimedDelivery(sequence: sequence, envelope: envelope, history: record.history)
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation

extension DeadLetter {
    /// What can be read without the envelope.
    struct Head {
        var blocksKey: Bool
        var orderingKey: String?
    }

    /// - Parameter reference: the key of the row that the event is made of, where it is made of one.
    func encoded(coder: any EventCoder, reference: Data? = nil) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.put(blocksKey)
        writer.put(envelope.orderingKey) { $0.put($1) }
        writer.put(reason.rawValue)
        writer.put(deadSince)
        writer.put(history)
        writer.put(envelope, payload: try envelope.bytes(using: coder))
        if let reference { writer.put(reference) }
        return writer.bytes
    }

    init(id: DeliveryID, decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        self = try reader.deadLetter(id)
    }

    /// The key of the row that its event is made of; `nil` where the event was stored itself.
    static func reference(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Data? {
        var reader = ByteReader(content)
        _ = try reader.deadLetter(DeliveryID(subscription: "", sequence: 0))
        return reader.remaining > 0 ? try reader.data() : nil
    }

    static func head(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Head {
        var reader = ByteReader(content)
        return try reader.deadLetterHead()
    }
}

extension ByteReader {
    fileprivate mutating func deadLetter(_ id: DeliveryID) throws(StorageError) -> DeadLetter {
        let head = try deadLetterHead()
        let reason = DeadLetter.Reason(rawValue: try string())
        let deadSince = try date()
        let history = try history()
        return DeadLetter(
            id: id, envelope: try envelope(), reason: reason, history: history,
            deadSince: deadSince, blocksKey: head.blocksKey)
    }

    fileprivate mutating func deadLetterHead() throws(StorageError) -> DeadLetter.Head {
        let blocksKey = try flag()
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        return DeadLetter.Head(blocksKey: blocksKey, orderingKey: orderingKey)
    }
}
#endif

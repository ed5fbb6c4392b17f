#if LMDB
import AfterCommit
import Foundation

extension DeadLetter {
    /// What can be read without the envelope.
    struct Head {
        var blocksKey: Bool
        var orderingKey: String?
    }

    func encoded(coder: any EventCoder) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.put(blocksKey)
        writer.put(envelope.orderingKey) { $0.put($1) }
        writer.put(reason.rawValue)
        writer.put(deadSince)
        writer.put(history)
        writer.put(envelope, payload: try envelope.bytes(using: coder))
        return writer.bytes
    }

    init(id: DeliveryID, decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        let head = try reader.deadLetterHead()
        let reason = Reason(rawValue: try reader.string())
        let deadSince = try reader.date()
        let history = try reader.history()
        self.init(
            id: id, envelope: try reader.envelope(), reason: reason, history: history,
            deadSince: deadSince, blocksKey: head.blocksKey)
    }

    static func head(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Head {
        var reader = ByteReader(content)
        return try reader.deadLetterHead()
    }
}

extension ByteReader {
    fileprivate mutating func deadLetterHead() throws(StorageError) -> DeadLetter.Head {
        let blocksKey = try flag()
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        return DeadLetter.Head(blocksKey: blocksKey, orderingKey: orderingKey)
    }
}
#endif

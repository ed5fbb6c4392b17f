#if LMDB
import AfterCommit
import Foundation

extension ByteWriter {
    mutating func put(_ id: EventID) {
        put(fixed: id.high)
        put(fixed: id.low)
    }

    /// Type and ordering key come first, so that they can be read without the rest.
    mutating func put(_ envelope: Envelope, payload: Data) {
        put(envelope.id)
        put(envelope.type.rawValue)
        put(envelope.orderingKey) { $0.put($1) }
        put(envelope.time)
        put(envelope.schemaVersion)
        put(envelope.source)
        put(envelope.contentType)
        put(UInt64(envelope.headers.count))
        for (name, value) in envelope.headers {
            put(name)
            put(value)
        }
        put(payload)
    }
}

extension BytePointer {
    /// What an envelope takes at most.
    static func roomBytes(for envelope: Envelope, payload: UnsafeRawBufferPointer) -> Int {
        // Id, date, and the numbers and lengths.
        var bytes = 128 + payload.count
        bytes += envelope.type.rawValue.utf8.count + (envelope.orderingKey?.utf8.count ?? 0)
        bytes += envelope.source.utf8.count + envelope.contentType.utf8.count
        for (name, value) in envelope.headers {
            bytes += name.utf8.count + value.utf8.count + 2 * maxIntegerBytes
        }
        return bytes
    }

    mutating func put(_ envelope: Envelope, payload: UnsafeRawBufferPointer) {
        put(envelope.id)
        put(envelope.type.rawValue)
        put(envelope.orderingKey)
        put(envelope.time)
        put(envelope.schemaVersion)
        put(envelope.source)
        put(envelope.contentType)
        put(envelope.headers)
        put(payload)
    }
}

extension ByteReader {
    mutating func eventID() throws(StorageError) -> EventID {
        EventID(high: try fixed(UInt64.self), low: try fixed(UInt64.self))
    }

    mutating func envelope() throws(StorageError) -> Envelope {
        let id = try eventID()
        let type = EventType(rawValue: try string())
        let orderingKey = try optional { reader throws(StorageError) in try reader.string() }
        let time = try date()
        let schemaVersion = try signed()
        let source = try string()
        let contentType = try string()
        var headers: [String: String] = [:]
        for _ in 0..<(try count()) {
            let name = try string()
            headers[name] = try string()
        }
        return Envelope(
            id: id, type: type, source: source, time: time, schemaVersion: schemaVersion,
            orderingKey: orderingKey, headers: headers, contentType: contentType,
            payload: .bytes(try data()))
    }
}
#endif

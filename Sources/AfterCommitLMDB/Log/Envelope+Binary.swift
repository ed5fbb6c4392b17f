#if LMDB
import AfterCommit
import Foundation

extension ByteWriter {
    mutating func put(_ id: EventID) {
        put(fixed: id.high)
        put(fixed: id.low)
    }

    mutating func put(_ envelope: Envelope, payload: Data) {
        payload.withUnsafeBytes { payload in
            let room = BytePointer.roomBytes(for: envelope, payload: payload)
            bytes += [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                guard let start = buffer.baseAddress else { return }
                var end = BytePointer(start)
                end.put(envelope, payload: payload)
                count = end.address - UnsafeMutableRawPointer(start)
            }
        }
    }
}

extension BytePointer {
    /// What an envelope takes at most.
    static func roomBytes(for envelope: Envelope, payload: UnsafeRawBufferPointer) -> Int {
        envelope.type.rawValue.utf8.count + envelope.source.utf8.count + envelope.contentType.utf8.count
            + furtherRoomBytes(envelope.orderingKey, envelope.headers, payload)
    }

    /// What an envelope takes at most, beside type, source and content type.
    static func furtherRoomBytes(
        _ orderingKey: String?, _ headers: [String: String], _ payload: UnsafeRawBufferPointer
    ) -> Int {
        // Id, date, and up to eight lengths.
        var bytes = 128 + payload.count
        if let orderingKey { bytes += orderingKey.utf8.count }
        for (name, value) in headers {
            bytes += name.utf8.count + value.utf8.count + 2 * maxIntegerBytes
        }
        return bytes
    }

    /// Type and ordering key come first, so that they can be read without the rest.
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

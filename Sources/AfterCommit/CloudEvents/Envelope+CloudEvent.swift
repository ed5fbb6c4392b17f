public import Foundation

extension Envelope {
    /// The envelope of an event that came from elsewhere.
    ///
    /// An id that is a UUID is kept. Another one is replaced by a UUID that is always the same for its `source` and `id`
    /// (RFC 9562, section 5.8), and kept as the header `foreignid`: receivers tell events apart by the two (CloudEvents 1.0,
    /// "id"). Attributes that the envelope has no place for are headers, `subject`, `sequence` and `dataschema` among them.
    /// - Parameters:
    ///   - event: as it was received.
    ///   - typePrefix: taken off the event's type, with its dot, where it begins so.
    ///   - key: the transport's key, for an event without `partitionkey`.
    ///   - receivedAt: the date of an event without `time`.
    /// - Throws: ``CloudEventError`` for values that are none of their attribute.
    public init(
        _ event: CloudEvent, typePrefix: String? = nil, key: String? = nil, receivedAt: Date
    ) throws(CloudEventError) {
        var headers: [String: String] = [:]
        var time = receivedAt
        var schemaVersion = 1
        var partitionKey: String?
        for attribute in event.attributes.dropFirst(4) {
            switch attribute.name {
            case "time":
                guard let date = RFC3339.date(of: attribute.value) else {
                    throw CloudEventError(.attributeValue, "time")
                }
                time = date
            case "schemaversion":
                guard let version = Int(attribute.value), version > 0 else {
                    throw CloudEventError(.attributeValue, "schemaversion")
                }
                schemaVersion = version
            case "partitionkey": partitionKey = attribute.value
            default: headers[attribute.name] = attribute.value
            }
        }
        let ownID = EventID(event.id)
        if ownID == nil { headers["foreignid"] = event.id }
        let orderingKey = partitionKey ?? key
        if let orderingKey {
            guard orderingKey.utf8.count <= EnvelopeFactory.maxOrderingKeyBytes else {
                throw CloudEventError(.orderingKeyTooLong)
            }
            // It goes out again as the subject.
            if headers["subject"] == orderingKey { headers["subject"] = nil }
        }
        var type = event.type
        if let typePrefix, type.hasPrefix("\(typePrefix)."), type.utf8.count > typePrefix.utf8.count + 1 {
            type = String(type.dropFirst(typePrefix.count + 1))
        }
        self.init(
            id: ownID ?? EventID(foreign: event.id, source: event.source), type: EventType(rawValue: type),
            source: event.source, time: time, schemaVersion: schemaVersion, orderingKey: orderingKey,
            headers: headers, contentType: event.contentType ?? "application/octet-stream", payload: .bytes(event.data))
    }
}

extension EventID {
    /// The id of an event whose own is no UUID: of version 8 (RFC 9562, section 5.8), a hash of its source and its id
    /// (FNV-1a of 128 bits; Fowler, Noll, Vo).
    init(foreign id: String, source: String) {
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B
        var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
        func mix(_ byte: UInt8) { hash = (hash ^ UInt128(byte)) &* prime }
        source.utf8.forEach(mix)
        mix(0)
        id.utf8.forEach(mix)
        let high = UInt64(truncatingIfNeeded: hash >> 64)
        let low = UInt64(truncatingIfNeeded: hash)
        self.init(
            high: high & 0xFFFF_FFFF_FFFF_0FFF | 0x8000, low: low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}

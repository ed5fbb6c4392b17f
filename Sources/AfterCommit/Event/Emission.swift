public import Foundation

/// An event on its way into a storage: the envelope, and how it is to be stored.
public struct Emission: Sendable {
    package let box: EnvelopeBox
    /// Not before this moment; `nil`: at once.
    public var deliverAt: Date?
    /// What makes it one event, however often it is emitted.
    public var deduplication: Deduplication?

    public var envelope: Envelope { box.envelope }

    public init(envelope: Envelope, deliverAt: Date? = nil, deduplication: Deduplication? = nil) {
        box = EnvelopeBox(envelope)
        self.deliverAt = deliverAt
        self.deduplication = deduplication
    }

    /// A key that stands for one event, and what the event said.
    public struct Deduplication: Sendable, Hashable {
        public var key: String
        /// Tells another payload under the same key. Not for secrets.
        public var fingerprint: UInt64

        /// A key of the caller's is stored behind this, so that it cannot be one that stands for an id.
        package static let callersPrefix = "k/"

        /// The key as the caller gave it.
        package var callersKey: String {
            key.hasPrefix(Self.callersPrefix) ? String(key.dropFirst(Self.callersPrefix.count)) : key
        }

        public init(key: String, fingerprint: UInt64) {
            self.key = key
            self.fingerprint = fingerprint
        }

        /// FNV-1a of 64 bits (Fowler, Noll, Vo) over the event's type and bytes.
        package static func fingerprint(type: EventType, payload: Data) -> UInt64 {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            func mixed(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            for byte in type.rawValue.utf8 { hash = mixed(hash, byte) }
            hash = mixed(hash, 0)
            // Not one call for each byte.
            hash = payload.withUnsafeBytes { bytes in bytes.reduce(hash, mixed) }
            return hash
        }
    }
}

/// What a storage remembers of a deduplication key.
package struct DeduplicationRecord: Sendable, Hashable {
    package let id: EventID
    package let fingerprint: UInt64
    package let emittedAt: Date

    package init(id: EventID, fingerprint: UInt64, emittedAt: Date) {
        self.id = id
        self.fingerprint = fingerprint
        self.emittedAt = emittedAt
    }

    /// How long a key stands for its event.
    package static let window = Duration.seconds(7 * 86_400)

    /// The first event's id where it is still the key's event, `nil` where the key is free again.
    /// - Throws: ``EmitError`` with `deduplicationConflict` for another payload.
    package func firstID(
        for deduplication: Emission.Deduplication, now: Date
    ) throws(EmitError) -> EventID? {
        guard now.timeIntervalSince(emittedAt) < Self.window.timeInterval else { return nil }
        guard fingerprint == deduplication.fingerprint else {
            throw EmitError.deduplicationConflict(key: deduplication.callersKey, firstID: id)
        }
        return id
    }
}

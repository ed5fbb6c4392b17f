import Foundation

/// Makes of messages what a storage takes. Pure.
struct MessageReading: Sendable {
    let consumer: String
    let typePrefix: String?
    let maxPayloadBytes: Int

    /// - Throws: ``CloudEventError``, or `EmitError` for a payload that is too large.
    func event(_ message: IncomingMessage, now: Date) throws -> Emission {
        let event = try message.cloudEvent()
        guard event.data.count <= maxPayloadBytes else {
            throw EmitError.payloadTooLarge(bytes: event.data.count, limit: maxPayloadBytes)
        }
        let envelope = try Envelope(event, typePrefix: typePrefix, key: message.key, receivedAt: now)
        return Emission(
            envelope: envelope,
            deduplication: Emission.Deduplication(
                key: Self.key(of: envelope.id),
                fingerprint: Emission.Deduplication.fingerprint(type: envelope.type, payload: event.data)))
    }

    /// `id/` and the id.
    private static func key(of id: EventID) -> String {
        String(unsafeUninitializedCapacity: 3 + EventID.textLength) { bytes in
            let bytes = UnsafeMutableRawBufferPointer(bytes)
            bytes.copyBytes(from: "id/".utf8)
            return 3 + id.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[3...]))
        }
    }

    /// The same message always becomes another dead letter: two that are equal may be two.
    func unreadable(_ message: IncomingMessage, reason: any Error, id: EventID, now: Date) -> Emission {
        Emission(
            envelope: UnreadableMessage(consumer: consumer).envelope(of: message, reason: reason, id: id, now: now))
    }
}

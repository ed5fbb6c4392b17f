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
                key: "id/\(envelope.id)",
                fingerprint: Emission.Deduplication.fingerprint(type: envelope.type, payload: event.data)))
    }

    /// The same message always becomes another dead letter: two that are equal may be two.
    func unreadable(_ message: IncomingMessage, reason: any Error, id: EventID, now: Date) -> Emission {
        Emission(
            envelope: UnreadableMessage(consumer: consumer).envelope(of: message, reason: reason, id: id, now: now))
    }
}

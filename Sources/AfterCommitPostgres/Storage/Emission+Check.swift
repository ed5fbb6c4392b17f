#if Postgres
import AfterCommit
import Foundation

extension Emission {
    /// From 1970: what microseconds of 64 bits hold, and a timestamp too. ``Emission/deliverAt`` may lie beyond: it is kept as
    /// the last moment.
    private static let seconds = -2e11...9e12

    /// Refuses what PostgreSQL cannot keep, before anything is sent: its error would come later, name no field, and fail what
    /// else is stored by the same statement.
    /// - Throws: `EmitError` with `unsuitableField`, with `orderingKeyTooLong` for one that no factory has looked at.
    func checkStorable() throws(EmitError) {
        let envelope = envelope
        let texts: [(field: String, text: String?)] = [
            ("type", envelope.type.rawValue), ("source", envelope.source), ("orderingKey", envelope.orderingKey),
            ("contentType", envelope.contentType), ("deduplicationKey", deduplication?.callersKey),
        ]
        for (field, text) in texts where text?.hasNUL == true { throw Self.hasNUL(field) }
        if let bytes = envelope.orderingKey?.utf8.count, bytes > EnvelopeFactory.maxOrderingKeyBytes {
            throw .orderingKeyTooLong(bytes: bytes, limit: EnvelopeFactory.maxOrderingKeyBytes)
        }
        for (name, value) in envelope.headers {
            guard !name.hasNUL else { throw Self.hasNUL("headers") }
            guard !value.hasNUL else { throw Self.hasNUL("headers.\(name)") }
        }
        guard Self.seconds.contains(envelope.time.timeIntervalSince1970) else {
            throw .unsuitableField(
                "time",
                reason: "is \(envelope.time.timeIntervalSince1970) s from 1970, outside of the years 4300 BC to 287000")
        }
        guard Int32(exactly: envelope.schemaVersion) != nil else {
            throw .unsuitableField("schemaVersion", reason: "is \(envelope.schemaVersion), which is no 32-bit number")
        }
    }

    private static func hasNUL(_ field: String) -> EmitError {
        .unsuitableField(field, reason: "has a NUL character")
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation

/// Inserts events, one after another, in one transaction. SQLite reads the values where they are: nothing is copied for it
/// but what has to be written out first.
final class EventInsertion {
    enum Target: String {
        case events = "outbox_events"
        case delayed = "outbox_delayed"
    }

    private let statement: PreparedStatement
    private let coder: any EventCoder
    private var bytes = BoundBytes()

    init(into target: Target, _ group: WriteGroup) throws {
        statement = try PreparedStatement(group.database, target == .events ? Self.intoEvents : Self.intoDelayed)
        coder = group.context.envelopes.coder
    }

    deinit {
        // The statement outlives its bytes.
        statement.reset()
        bytes.deallocate()
    }

    private static let intoEvents =
        "INSERT INTO outbox_events (\(EventColumns.names)) VALUES (\(EventColumns.placeholders))"
    private static let intoDelayed = """
        INSERT INTO outbox_delayed (\(EventColumns.names), deliverat)
        VALUES (\(EventColumns.placeholders), ?\(EventColumns.count + 1))
        """

    /// - Parameter deliverAt: for the delayed ones.
    func run(_ envelope: Envelope, deliverAt: Date? = nil) throws {
        let payload = try envelope.bytes(using: coder)
        let headers = try OutboxText.headers(envelope.headers)
        bytes.begin(
            reserving: EventID.textLength + OutboxText.timeCapacity + envelope.type.rawValue.utf8.count
                + envelope.source.utf8.count + (envelope.orderingKey?.utf8.count ?? 0) + (headers?.utf8.count ?? 0)
                + envelope.contentType.utf8.count)
        let id = bytes.append(capacity: EventID.textLength) { envelope.id.write(to: $0) }
        let type = bytes.append(envelope.type.rawValue)
        let key = envelope.orderingKey.map { bytes.append($0) }
        try statement.bindInPlace(id, at: 1)
        try statement.bindInPlace(UnsafeRawBufferPointer(rebasing: type.prefix { $0 != UInt8(ascii: ".") }), at: 2)
        try statement.bindInPlace(key ?? id, at: 3)
        try statement.bindInPlace(type, at: 4)
        try statement.bindInPlace(bytes.append(envelope.source), at: 7)
        try statement.bindInPlace(
            bytes.append(capacity: OutboxText.timeCapacity) { OutboxText.write(envelope.time, to: $0) }, at: 8)
        try statement.bind(envelope.schemaVersion, at: 9)
        try statement.bindInPlace(key, at: 10)
        try statement.bindInPlace(headers.map { bytes.append($0) }, at: 11)
        try statement.bindInPlace(bytes.append(envelope.contentType), at: 12)
        if let deliverAt { try statement.bind(deliverAt, at: EventColumns.count + 1) }
        try payload.withUnsafeBytes { payload in
            // Text, byte for byte, that people and SQL's JSON functions can read; other bytes beside it.
            if Self.isText(payload, envelope.contentType) {
                try statement.bindInPlace(payload, at: 5)
                try statement.bindNull(at: 6)
            } else {
                try statement.bindNull(at: 5)
                try statement.bindBlobInPlace(payload, at: 6)
            }
            try statement.executeKeepingBindings()
        }
    }

    private static func isText(_ payload: UnsafeRawBufferPointer, _ contentType: String) -> Bool {
        guard contentType.hasPrefix("application/json") || contentType.hasPrefix("text/") else { return false }
        if isPlainASCII(payload) { return true }
        // SQLite's own functions end a text at its first zero.
        return !payload.contains(0) && String(validating: payload, as: UTF8.self) != nil
    }

    /// Eight bytes at a time: whether each is from 1 to 127.
    static func isPlainASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        let (ones, highs) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            // A byte's high bit is set in the second where it is zero, and a borrow only follows one that is.
            guard (word | (word &- ones)) & highs == 0 else { return false }
            offset += 8
        }
        return bytes[offset...].allSatisfy { $0 != 0 && $0 < 0x80 }
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation

/// An event's columns, in the order of ``OutboxRow/columns``: as parameters of a statement and in its result.
enum EventColumns {
    /// The columns of the table that is called `e`.
    static let list = OutboxRow.columns.map { "e.\($0)" }.joined(separator: ", ")
    static let names = OutboxRow.columns.joined(separator: ", ")
    static let placeholders = OutboxRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    static let count = Int32(OutboxRow.columns.count)

    static func bind(_ envelope: Envelope, to statement: PreparedStatement, coder: any EventCoder) throws {
        let id = envelope.id.description
        try statement.bind(id, at: 1)
        try statement.bind(OutboxText.aggregateType(of: envelope.type), at: 2)
        try statement.bind(envelope.orderingKey ?? id, at: 3)
        try statement.bind(envelope.type.rawValue, at: 4)
        let payload = try envelope.bytes(using: coder)
        // Text, byte for byte, that people and SQL's JSON functions can read; other bytes beside it.
        if isText(payload, envelope.contentType) {
            try statement.bindText(payload, at: 5)
        } else {
            try statement.bindBlob(payload, at: 6)
        }
        try statement.bind(envelope.source, at: 7)
        try statement.bind(OutboxText.time(envelope.time), at: 8)
        try statement.bind(envelope.schemaVersion, at: 9)
        try statement.bind(envelope.orderingKey, at: 10)
        try statement.bind(try OutboxText.headers(envelope.headers), at: 11)
        try statement.bind(envelope.contentType, at: 12)
    }

    private static func isText(_ payload: Data, _ contentType: String) -> Bool {
        guard contentType.hasPrefix("application/json") || contentType.hasPrefix("text/") else { return false }
        return payload.withUnsafeBytes { bytes in
            // SQLite's own functions end a text at its first zero.
            !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
        }
    }

    /// The envelope that begins at a column, and whether all of it could be read: anybody may have inserted the row. What
    /// cannot be read is left out, and the payload's bytes are kept.
    static func envelope(
        _ columns: SQLColumns, at first: Int32, sequence: UInt64
    ) -> (envelope: Envelope, isWhole: Bool) {
        var isWhole = !columns.isNull(first)
        func read<T>(_ value: T?, or instead: @autoclosure () -> T) -> T {
            if let value { return value }
            isWhole = false
            return instead()
        }
        let id = read(columns.text(first).flatMap { EventID($0) }, or: EventID(high: 0, low: sequence))
        let payload = columns.isNull(first + 4) ? first + 5 : first + 4
        if columns.isNull(payload) { isWhole = false }
        let time = read(columns.text(first + 7).flatMap { OutboxText.time(of: $0) }, or: Date(timeIntervalSince1970: 0))
        let version = read(
            columns.isInteger(first + 8) ? Int(exactly: columns.integer(first + 8)) : nil, or: 1)
        let headers = read(OutboxText.headers(of: columns.text(first + 10)), or: [:])
        let envelope = Envelope(
            id: id, type: EventType(rawValue: columns.text(first + 3) ?? ""), source: columns.text(first + 6) ?? "/",
            time: time, schemaVersion: version, orderingKey: columns.text(first + 9), headers: headers,
            contentType: columns.text(first + 11) ?? "application/json", payload: .bytes(columns.bytes(payload)))
        return (envelope, isWhole)
    }
}
#endif

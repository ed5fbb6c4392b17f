#if SQLite
import AfterCommit
import Foundation

/// An event's columns in a result, in the order of ``OutboxRow/columns``.
enum EventColumns {
    /// The columns of the table that is called `e`.
    static let list = OutboxRow.columns.map { "e.\($0)" }.joined(separator: ", ")
    static let names = OutboxRow.columns.joined(separator: ", ")
    static let placeholders = OutboxRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")

    static func bind(_ row: OutboxRow, to statement: PreparedStatement) throws {
        try statement.bind(row.id, at: 1)
        try statement.bind(row.aggregateType, at: 2)
        try statement.bind(row.aggregateID, at: 3)
        try statement.bind(row.type, at: 4)
        // Text, so that people and SQL's JSON functions can read it; other bytes as they are.
        if String(validating: row.payload, as: UTF8.self) != nil {
            try statement.bindText(row.payload, at: 5)
        } else {
            try statement.bindBlob(row.payload, at: 5)
        }
        try statement.bind(row.source, at: 6)
        try statement.bind(row.time, at: 7)
        try statement.bind(row.schemaVersion, at: 8)
        try statement.bind(row.orderingKey, at: 9)
        try statement.bind(row.headers, at: 10)
        try statement.bind(row.contentType, at: 11)
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
        let time = read(columns.text(first + 6).flatMap { OutboxRow.time($0) }, or: Date(timeIntervalSince1970: 0))
        let version = read(
            columns.isInteger(first + 7) ? Int(exactly: columns.integer(first + 7)) : nil, or: 1)
        let headers = read(OutboxRow.headers(columns.text(first + 9)), or: [:])
        let envelope = Envelope(
            id: id, type: EventType(rawValue: columns.text(first + 3) ?? ""), source: columns.text(first + 5) ?? "/",
            time: time, schemaVersion: version, orderingKey: columns.text(first + 8), headers: headers,
            contentType: columns.text(first + 10) ?? "application/json", payload: .bytes(columns.bytes(first + 4)))
        return (envelope, isWhole)
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation

/// An event's columns, in the order of ``OutboxRow/columns``, as a statement's result has them.
enum EventColumns {
    /// The columns of the table that is called `e`.
    static let list = OutboxRow.columns.map { "e.\($0)" }.joined(separator: ", ")
    static let names = OutboxRow.columns.joined(separator: ", ")
    static let placeholders = OutboxRow.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    static let count = Int32(OutboxRow.columns.count)

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
        let id = read(columns.eventID(first), or: EventID(high: 0, low: sequence))
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

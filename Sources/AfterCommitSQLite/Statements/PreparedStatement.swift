#if SQLite
import AfterCommit
import Foundation
import GRDB
import GRDBSQLite

/// A statement of ours on one connection, taken from GRDB's cache of statements.
///
/// It is stepped directly: what the engine writes to its own tables is told to no observer of the user's.
struct PreparedStatement {
    /// It owns the pointer.
    private let statement: Statement
    private let pointer: OpaquePointer

    /// Takes it, with nothing bound.
    init(_ database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql)
        pointer = statement.sqliteStatement
        // It tells the last run's error once more, which was thrown then.
        sqlite3_reset(pointer)
    }

    // MARK: Binding

    func bind(_ number: Int64, at index: Int32) throws {
        try check(sqlite3_bind_int64(pointer, index, number))
    }

    func bind(_ number: Int, at index: Int32) throws {
        try bind(Int64(number), at: index)
    }

    func bind(_ sequence: UInt64, at index: Int32) throws {
        try bind(Int64(clamping: sequence), at: index)
    }

    func bind(_ number: Double, at index: Int32) throws {
        try check(sqlite3_bind_double(pointer, index, number))
    }

    func bind(_ date: Date?, at index: Int32) throws {
        guard let date else { return try bindNull(at: index) }
        try bind(date.timeIntervalSince1970, at: index)
    }

    func bind(_ text: String?, at index: Int32) throws {
        guard var text else { return try bindNull(at: index) }
        let code = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text64(
                    pointer, index, $0.baseAddress ?? Self.empty, UInt64($0.count), Self.transient,
                    UInt8(SQLITE_UTF8))
            }
        }
        try check(code)
    }

    func bindText(_ bytes: Data, at index: Int32) throws {
        let code = bytes.withUnsafeBytes { bytes in
            sqlite3_bind_text64(
                pointer, index, bytes.assumingMemoryBound(to: CChar.self).baseAddress ?? Self.empty,
                UInt64(bytes.count), Self.transient, UInt8(SQLITE_UTF8))
        }
        try check(code)
    }

    func bindBlob(_ bytes: Data, at index: Int32) throws {
        let code = bytes.withUnsafeBytes { bytes in
            sqlite3_bind_blob64(
                pointer, index, bytes.baseAddress ?? UnsafeRawPointer(Self.empty), UInt64(bytes.count), Self.transient)
        }
        try check(code)
    }

    func bindNull(at index: Int32) throws {
        try check(sqlite3_bind_null(pointer, index))
    }

    /// A text that stays where it is until the statement has run, and is not copied.
    func bindInPlace(_ text: UnsafeRawBufferPointer?, at index: Int32) throws {
        guard let text else { return try bindNull(at: index) }
        try check(
            sqlite3_bind_text64(
                pointer, index, text.assumingMemoryBound(to: CChar.self).baseAddress ?? Self.empty, UInt64(text.count),
                nil, UInt8(SQLITE_UTF8)))
    }

    func bindBlobInPlace(_ bytes: UnsafeRawBufferPointer, at index: Int32) throws {
        try check(
            sqlite3_bind_blob64(
                pointer, index, bytes.baseAddress ?? UnsafeRawPointer(Self.empty), UInt64(bytes.count), nil))
    }

    // MARK: Running

    /// - Returns: whether there is a row.
    func step() throws -> Bool {
        let code = sqlite3_step(pointer)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw error(code)
        }
    }

    /// Runs it to its end.
    /// - Returns: how many rows it changed.
    @discardableResult
    func execute() throws -> Int {
        defer { reset() }
        while try step() {}
        return Int(sqlite3_changes(sqlite3_db_handle(pointer)))
    }

    /// The same for one that binds all its parameters anew before it runs again.
    func executeKeepingBindings() throws {
        // Its error was thrown by the step.
        defer { sqlite3_reset(pointer) }
        while try step() {}
    }

    /// Takes each row.
    func eachRow(_ body: (SQLColumns) throws -> Void) throws {
        defer { reset() }
        while try step() { try body(SQLColumns(pointer)) }
    }

    /// Takes rows until `body` returns false.
    func prefix(_ body: (SQLColumns) throws -> Bool) throws {
        defer { reset() }
        while try step() { guard try body(SQLColumns(pointer)) else { return } }
    }

    /// What `body` makes of the first row; `nil` where there is none.
    func first<R>(_ body: (SQLColumns) throws -> R) throws -> R? {
        defer { reset() }
        return try step() ? try body(SQLColumns(pointer)) : nil
    }

    /// A statement that is left open keeps its snapshot.
    func reset() {
        // Its error was thrown by the step.
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
    }

    /// Ends a statement that GRDB runs.
    static func reset(_ statement: Statement) {
        sqlite3_reset(statement.sqliteStatement)
    }

    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(sqlite3_db_handle(pointer)) }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw error(code) }
    }

    private func error(_ code: Int32) -> DatabaseError {
        let connection = sqlite3_db_handle(pointer)
        return DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)), sql: String(cString: sqlite3_sql(pointer)))
    }

    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    // A null pointer would bind NULL.
    nonisolated(unsafe) private static let empty = UnsafePointer(strdup("")!)
}

/// The row that a statement stands at.
struct SQLColumns {
    private let pointer: OpaquePointer

    fileprivate init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_NULL }

    func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_INTEGER }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(pointer, column) }

    func sequence(_ column: Int32) -> UInt64 { UInt64(max(0, integer(column))) }

    func double(_ column: Int32) -> Double { sqlite3_column_double(pointer, column) }

    func date(_ column: Int32) -> Date? {
        isNull(column) ? nil : Date(timeIntervalSince1970: double(column))
    }

    func text(_ column: Int32) -> String? {
        // Text first, then its length: asked for in this order it is in UTF-8, whatever the database's encoding.
        guard let start = sqlite3_column_text(pointer, column) else { return nil }
        let count = Int(sqlite3_column_bytes(pointer, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func eventID(_ column: Int32) -> EventID? {
        guard let start = sqlite3_column_text(pointer, column) else { return nil }
        return EventID(text: UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, column))))
    }

    /// The bytes of a blob or of a text in UTF-8.
    func bytes(_ column: Int32) -> Data {
        if sqlite3_column_type(pointer, column) == SQLITE_BLOB {
            guard let start = sqlite3_column_blob(pointer, column) else { return Data() }
            return Data(bytes: start, count: Int(sqlite3_column_bytes(pointer, column)))
        }
        guard let start = sqlite3_column_text(pointer, column) else { return Data() }
        return Data(bytes: start, count: Int(sqlite3_column_bytes(pointer, column)))
    }
}
#endif

#if SQLite
import AfterCommit
import Foundation
import GRDBSQLite

/// The ceiling: SQLite's C functions called in a loop on the calling thread, with prepared bytes, on the product's own tables.
///
/// Statements, settings and number of commits are the product's; threads, encoding, savepoints and promises are not there.
final class BareSQLite {
    private let connection: OpaquePointer
    private var statements: [OpaquePointer?] = []
    private let row: OutboxRow
    private let time: [UInt8]
    private var id = Array("019ac000-0000-7000-8000-000000000000".utf8)
    private var number: UInt64 = 0
    private var handedOut: Int64 = 0
    /// Of what was read, so that it is read.
    private(set) var sum = 0

    private enum Text {
        static let insert = """
            INSERT INTO outbox_events (\(OutboxRow.columns.joined(separator: ", ")))
            VALUES (\((1...OutboxRow.columns.count).map { "?\($0)" }.joined(separator: ", ")))
            """
        static let claim = """
            SELECT d.sequence, d.state, d.due, d.detail, \(OutboxRow.columns.map { "e.\($0)" }.joined(separator: ", "))
            FROM outbox_deliveries AS d LEFT JOIN outbox_events AS e ON e.sequence = d.sequence
            WHERE d.subscription = 1 AND d.sequence > ?1 AND d.state = 'pending' ORDER BY d.sequence LIMIT ?2
            """
        static let settle =
            "DELETE FROM outbox_deliveries WHERE subscription = 1 AND sequence BETWEEN ?1 AND ?2 AND state <> 'dead'"
        static let all = [insert, claim, settle, "BEGIN IMMEDIATE", "COMMIT"]
    }

    /// - Parameter path: of a database that has the product's tables, and one subscription.
    init(path: String) throws {
        row = try OutboxRow(
            EnvelopeFactory().emission(OrderPlaced(number: 1), options: EmitOptions(), form: .bytes).envelope)
        time = Array("2026-01-01T00:00:00.000Z".utf8)
        var connection: OpaquePointer?
        let code = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let connection else { throw BenchmarkError("SQLite does not open \(path)") }
        self.connection = connection
        try check(sqlite3_exec(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", nil, nil, nil))
        for text in Text.all {
            var statement: OpaquePointer?
            try check(sqlite3_prepare_v3(connection, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
            statements.append(statement)
        }
    }

    func close() throws {
        for statement in statements { sqlite3_finalize(statement) }
        try check(sqlite3_close(connection))
    }

    // MARK: Loops

    func emit(_ count: Int, commits: Int) throws {
        try inCommits(count, commits) { for _ in 0..<$0 { try emitOne() } }
    }

    /// What an emit and its settlement need at least: the rows, a walk over them, and their deletion.
    func emitAndSettle(_ count: Int, commits: Int) throws {
        try inCommits(count, commits) { share in
            for _ in 0..<share { try emitOne() }
            let first = handedOut + 1
            try claim(share)
            try check(sqlite3_bind_int64(statements[2], 1, first))
            try check(sqlite3_bind_int64(statements[2], 2, handedOut))
            try run(statements[2])
        }
    }

    // MARK: Parts

    private func emitOne() throws {
        number += 1
        var rest = number
        for index in (24..<36).reversed() {
            id[index] = "0123456789abcdef".utf8.withContiguousStorageIfAvailable { $0[Int(rest & 15)] } ?? 0
            rest >>= 4
        }
        let statement = statements[0]
        try id.withUnsafeBufferPointer { id in
            try bind(id, at: 1, of: statement)
            try bind(row.aggregateType, at: 2, of: statement)
            try bind(id, at: 3, of: statement)
            try bind(row.type, at: 4, of: statement)
            try bind(row.payload ?? "", at: 5, of: statement)
            try bind(row.source, at: 7, of: statement)
            try time.withUnsafeBufferPointer { try bind($0, at: 8, of: statement) }
            try check(sqlite3_bind_int64(statement, 9, Int64(row.schemaVersion)))
            try bind(row.contentType, at: 12, of: statement)
            try run(statement)
        }
    }

    private func claim(_ count: Int) throws {
        let statement = statements[1]
        try check(sqlite3_bind_int64(statement, 1, handedOut))
        try check(sqlite3_bind_int64(statement, 2, Int64(count)))
        var found = 0
        while sqlite3_step(statement) == SQLITE_ROW {
            found += 1
            handedOut = sqlite3_column_int64(statement, 0)
            guard let payload = sqlite3_column_text(statement, 8) else { throw BenchmarkError("a row has no payload") }
            let last = Int(sqlite3_column_bytes(statement, 8)) - 1
            sum &+= Int(payload[last])
        }
        try check(sqlite3_reset(statement))
        guard found == count else { throw BenchmarkError("\(found) of \(count) rows were found") }
    }

    /// Without a copy: the bytes stay where they are until the statement has run.
    private func bind(_ text: UnsafeBufferPointer<UInt8>, at index: Int32, of statement: OpaquePointer?) throws {
        let code = text.withMemoryRebound(to: CChar.self) {
            sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), nil)
        }
        try check(code)
    }

    private func bind(_ text: String, at index: Int32, of statement: OpaquePointer?) throws {
        var text = text
        let code = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), Self.transient)
            }
        }
        try check(code)
    }

    private func run(_ statement: OpaquePointer?) throws {
        guard sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
        try check(sqlite3_reset(statement))
    }

    private func inCommits(_ count: Int, _ commits: Int, _ body: (Int) throws -> Void) throws {
        for commit in 0..<commits {
            let share = count.share(commit, of: commits)
            try run(statements[3])
            try body(share)
            try run(statements[4])
        }
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw failure() }
    }

    private func failure() -> BenchmarkError {
        BenchmarkError("the bare loop failed: \(String(cString: sqlite3_errmsg(connection)))")
    }

    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
#endif

#if Postgres
import AfterCommit
import CLibPQ
import Foundation

/// The ceiling: libpq called in a loop on the calling thread, one connection, prepared statements and ready bytes in binary
/// arrays, on the product's own tables: so many events in one INSERT, and so many claimed with SKIP LOCKED and deleted in
/// one statement. Leases, order of keys, retries, threads and encoding are not there.
final class BarePostgres {
    private let connection: OpaquePointer
    private let row: OutboxRow
    private var number: UInt64 = 0
    /// Of what was read, so that it is read.
    private(set) var sum = 0

    private enum Text {
        private static let names = OutboxRow.columns.joined(separator: ", ")
        static let insert = """
            INSERT INTO outbox_events (\(names))
            SELECT r.id, r.aggregatetype, r.aggregateid, r.type, r.payload::jsonb, r.payloadbytes, r.source,
                timestamptz 'epoch' + r.time * interval '1 microsecond', r.schemaversion::integer, r.orderingkey,
                r.headers::jsonb, r.contenttype
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[],
                $9::bigint[], $10::text[], $11::text[], $12::text[]) WITH ORDINALITY AS r (\(names), ordinality)
            ORDER BY r.ordinality
            """
        static let claimAndSettle = """
            WITH claimed AS (
                SELECT sequence FROM outbox_deliveries WHERE subscription = 1 AND state = 'ready'
                ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED
            ), settled AS (
                DELETE FROM outbox_deliveries d USING claimed c
                WHERE d.sequence = c.sequence AND d.subscription = 1 RETURNING d.sequence
            )
            SELECT e.sequence, e.id, e.type, e.source, e.time, e.schemaversion, e.orderingkey, e.headers, e.contenttype, e.payload
            FROM settled s JOIN outbox_events e ON e.sequence = s.sequence ORDER BY e.sequence
            """
        static let claimOne = """
            UPDATE naive_jobs SET state = 'claimed' WHERE id = (
                SELECT id FROM naive_jobs WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, payload
            """
        static let settleOne = "UPDATE naive_jobs SET state = 'done' WHERE id = $1"
        static let naive = """
            CREATE TABLE IF NOT EXISTS naive_jobs (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL DEFAULT 'ready', payload jsonb NOT NULL);
            CREATE INDEX IF NOT EXISTS naive_jobs_ready ON naive_jobs (id) WHERE state = 'ready';
            """
        static let prepared = [
            "insert": insert, "claimAndSettle": claimAndSettle, "claimOne": claimOne, "settleOne": settleOne,
        ]
    }

    /// - Parameter url: of a database that has the product's tables, and one subscription.
    init(url: String) throws {
        row = try OrderPlaced(number: 1).outboxRow()
        guard let connection = PQconnectdb(url), PQstatus(connection) == CONNECTION_OK else {
            throw BenchmarkError("libpq does not connect to \(url)")
        }
        self.connection = connection
        try run("SET client_min_messages = warning")
        try run(Text.naive)
        for (name, text) in Text.prepared {
            try clear(PQprepare(connection, name, text, 0, nil), PGRES_COMMAND_OK)
        }
    }

    func close() { PQfinish(connection) }

    func run(_ sql: String) throws {
        let result = PQexec(connection, sql)
        try clear(result, PQresultStatus(result) == PGRES_TUPLES_OK ? PGRES_TUPLES_OK : PGRES_COMMAND_OK)
    }

    // MARK: Loops

    func emit(_ count: Int, batch: Int) throws {
        for first in stride(from: 0, to: count, by: batch) { try insert(min(batch, count - first)) }
    }

    func emitAndSettle(_ count: Int, batch: Int) throws {
        for first in stride(from: 0, to: count, by: batch) {
            let share = min(batch, count - first)
            try insert(share)
            try claimAndSettle(share)
        }
    }

    func emitNaively(_ count: Int) throws {
        try run(
            "INSERT INTO naive_jobs (payload) SELECT '\(row.payload ?? "")'::jsonb FROM generate_series(1, \(count))")
    }

    /// One job after another: it is claimed in a commit of its own, and marked as done in another.
    func drainNaively(_ count: Int) throws {
        for _ in 0..<count {
            let claimed = PQexecPrepared(connection, "claimOne", 0, nil, nil, nil, 1)
            guard PQresultStatus(claimed) == PGRES_TUPLES_OK, PQntuples(claimed) == 1 else { throw failure(claimed) }
            let id = Array(UnsafeRawBufferPointer(start: PQgetvalue(claimed, 0, 0), count: 8))
            PQclear(claimed)
            try clear(execute("settleOne", [id]), PGRES_COMMAND_OK)
        }
    }

    // MARK: Parts

    private func insert(_ count: Int) throws {
        var ids = Self.arrayHeader(of: .uuid, count: count)
        var keys = Self.arrayHeader(of: .text, count: count)
        for _ in 0..<count {
            number += 1
            let id = EventID(high: 0x019a_c000_0000_7000, low: 0x8000_0000_0000_0000 | number)
            ids += Self.bytes(UInt32(16)) + Self.bytes(id.high) + Self.bytes(id.low)
            keys += Self.bytes(UInt32(EventID.textLength)) + Array(id.description.utf8)
        }
        let ready = columns(count)
        try clear(execute("insert", [ids, ready[0], keys] + ready[1...]), PGRES_COMMAND_OK)
    }

    /// All columns but the ids, made once for each size.
    private var ready: [Int: [[UInt8]]] = [:]

    private func columns(_ count: Int) -> [[UInt8]] {
        if let made = ready[count] { return made }
        let made = [
            Self.array(of: .text, row.aggregateType, count), Self.array(of: .text, row.type, count),
            Self.array(of: .text, row.payload, count), Self.array(of: .bytea, nil, count),
            Self.array(of: .text, row.source, count), Self.array(Int64(row.time.timeIntervalSince1970 * 1e6), count),
            Self.array(Int64(row.schemaVersion), count), Self.array(of: .text, row.orderingKey, count),
            Self.array(of: .text, row.headers, count), Self.array(of: .text, row.contentType, count),
        ]
        ready[count] = made
        return made
    }

    private func claimAndSettle(_ count: Int) throws {
        let result = execute("claimAndSettle", [Self.bytes(UInt64(count))])
        guard PQresultStatus(result) == PGRES_TUPLES_OK else { throw failure(result) }
        guard PQntuples(result) == count else {
            PQclear(result)
            throw BenchmarkError("not all of \(count) events could be claimed")
        }
        for row in 0..<Int32(count) { sum &+= Int(PQgetlength(result, row, 9)) }
        PQclear(result)
    }

    private func execute(_ name: String, _ parameters: [[UInt8]]) -> OpaquePointer? {
        let lengths = parameters.map { Int32($0.count) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        func with(_ rest: ArraySlice<[UInt8]>, _ pointers: [UnsafePointer<CChar>?]) -> OpaquePointer? {
            guard let first = rest.first else {
                return PQexecPrepared(connection, name, Int32(parameters.count), pointers, lengths, formats, 1)
            }
            return first.withUnsafeBytes {
                with(rest.dropFirst(), pointers + [$0.assumingMemoryBound(to: CChar.self).baseAddress])
            }
        }
        return with(parameters[...], [])
    }

    private func clear(_ result: OpaquePointer?, _ expected: ExecStatusType) throws {
        guard PQresultStatus(result) == expected else { throw failure(result) }
        PQclear(result)
    }

    private func failure(_ result: OpaquePointer?) -> BenchmarkError {
        defer { PQclear(result) }
        return BenchmarkError("the bare loop failed: \(String(cString: PQresultErrorMessage(result)))")
    }

    private enum ElementType: UInt32 {
        case bytea = 17
        case int8 = 20
        case text = 25
        case uuid = 2950
    }

    /// The binary form of a one-dimensional array (PostgreSQL's `array_send`): dimensions, nulls, type, length, first index.
    private static func arrayHeader(of type: ElementType, count: Int) -> [UInt8] {
        [1, 1, type.rawValue, UInt32(count), 1].flatMap { bytes($0) }
    }

    private static func array(of type: ElementType, _ text: String?, _ count: Int) -> [UInt8] {
        let element = text.map { bytes(UInt32($0.utf8.count)) + Array($0.utf8) } ?? bytes(-1 as Int32)
        return arrayHeader(of: type, count: count) + Array(repeating: element, count: count).joined()
    }

    private static func array(_ number: Int64, _ count: Int) -> [UInt8] {
        let element = bytes(8 as UInt32) + bytes(number)
        return arrayHeader(of: .int8, count: count) + Array(repeating: element, count: count).joined()
    }

    private static func bytes<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
#endif

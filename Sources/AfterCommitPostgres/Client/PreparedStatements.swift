#if Postgres
import AfterCommit
import CLibPQ

/// The statements that a connection has prepared, by their text and the types of their parameters. Those that were not used
/// for the longest time go first.
struct PreparedStatements {
    fileprivate struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    /// What is to be sent for one statement.
    struct Use {
        fileprivate let key: Key
        fileprivate let name: String
        /// Whether it must be prepared first, which has an answer of its own.
        let isNew: Bool
    }

    private let limit: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var lastNumber: UInt64 = 0
    /// What the server still has and nobody uses any more.
    private(set) var evicted: [String] = []

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    var count: Int { entries.count }

    mutating func use(_ statement: PostgresStatement) -> Use {
        let key = Key(sql: statement.sql, types: statement.parameters.map(\.type))
        uses += 1
        if let place = entries.index(forKey: key) {
            entries.values[place].lastUse = uses
            return Use(key: key, name: entries.values[place].name, isNew: false)
        }
        if entries.count >= limit { evict() }
        lastNumber += 1
        let name = "aftercommit_\(lastNumber)"
        entries[key] = Entry(name: name, lastUse: uses)
        return Use(key: key, name: name, isNew: true)
    }

    /// Some at once, so that a program with ever new statements does not look for the oldest each time.
    private mutating func evict() {
        let oldest = entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(1 + limit / 8)
        for (key, entry) in oldest {
            entries[key] = nil
            evicted.append(entry.name)
        }
    }

    /// What the server is to deallocate now.
    mutating func takeEvicted() -> [String] {
        defer { evicted = [] }
        return evicted
    }

    /// It was not prepared.
    mutating func failed(_ use: Use) {
        evicted.removeAll { $0 == use.name }
        if entries[use.key]?.name == use.name { entries[use.key] = nil }
    }

    /// The server refused to run what it had prepared.
    mutating func refused(_ use: Use, _ error: PostgresError) {
        guard error.isStaleStatement else { return }
        // One name that is unknown means DISCARD ALL or DEALLOCATE ALL: the server has forgotten them all.
        guard error.sqlState != "26000" else { return forgetAll() }
        if entries[use.key]?.name == use.name { entries[use.key] = nil }
        if !evicted.contains(use.name) { evicted.append(use.name) }
    }

    /// The server has forgotten them all.
    mutating func forgetAll() {
        entries = [:]
        evicted = []
    }
}

extension PreparedStatements.Use {
    func send(_ statement: PostgresStatement, on socket: PostgresSocket) throws {
        let connection = socket.connection
        if isNew {
            let types = statement.parameters.map { Oid($0.type) }
            guard PQsendPrepare(connection, name, statement.sql, Int32(types.count), types) == 1 else {
                throw socket.failure()
            }
        }
        let sent = statement.parameters.withPointers { values, lengths, formats in
            PQsendQueryPrepared(
                connection, name, Int32(statement.parameters.count), values, lengths, formats, 1)
        }
        guard sent == 1 else { throw socket.failure() }
    }
}

extension [PostgresValue] {
    /// As libpq takes them; it copies what it is given.
    fileprivate func withPointers<R>(_ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> R) -> R {
        // One buffer for all, each value ended by a zero for those that are text.
        let total = reduce(0) { $0 + ($1.bytes?.count ?? 0) + 1 }
        return withUnsafeTemporaryAllocation(byteCount: Swift.max(1, total), alignment: 8) { buffer in
            var offset = 0
            var values: [UnsafePointer<CChar>?] = []
            values.reserveCapacity(count)
            for parameter in self {
                guard let bytes = parameter.bytes else {
                    values.append(nil)
                    continue
                }
                let place = UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + bytes.count])
                place.copyBytes(from: bytes)
                buffer[offset + bytes.count] = 0
                values.append(
                    buffer.baseAddress.map {
                        UnsafeRawPointer($0).advanced(by: offset).assumingMemoryBound(to: CChar.self)
                    })
                offset += bytes.count + 1
            }
            // Their lengths were checked.
            return body(
                values, map { Int32(clamping: $0.bytes?.count ?? 0) }, map { $0.isText ? 0 : 1 })
        }
    }
}
#endif

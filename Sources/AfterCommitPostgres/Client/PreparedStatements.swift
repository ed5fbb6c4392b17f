#if Postgres
import AfterCommit
import CLibPQ

/// The statements that a connection has prepared, by their text and the types of their parameters.
struct PreparedStatements {
    fileprivate struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    /// What is to be sent for one statement.
    struct Use {
        fileprivate let key: Key
        fileprivate let name: String
        fileprivate let isNew: Bool
        /// Which of the answers are no results: of the preparation, and of closing another.
        fileprivate(set) var answers: [Bool]
        fileprivate var closes: String?
    }

    private let limit: Int
    private var names: [Key: String] = [:]
    private var order: [Key] = []
    private var lastNumber = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func use(_ statement: PostgresStatement) -> Use {
        let key = Key(sql: statement.sql, types: statement.parameters.map(\.type))
        if let name = names[key] { return Use(key: key, name: name, isNew: false, answers: [false]) }
        lastNumber += 1
        let name = "s\(lastNumber)"
        var use = Use(key: key, name: name, isNew: true, answers: [true, false])
        if order.count >= limit, let oldest = order.first {
            order.removeFirst()
            use.closes = names.removeValue(forKey: oldest)
            use.answers.insert(true, at: 0)
        }
        names[key] = name
        order.append(key)
        return use
    }

    /// It was not prepared, or is not any more.
    mutating func forget(_ use: Use) {
        guard names[use.key] == use.name else { return }
        names[use.key] = nil
        order.removeAll { $0 == use.key }
    }
}

extension PreparedStatements.Use {
    func send(_ statement: PostgresStatement, on socket: PostgresSocket) throws {
        let connection = socket.connection
        if let closes {
            guard PQsendQueryParams(connection, "DEALLOCATE \(closes)", 0, nil, nil, nil, nil, 1) == 1 else {
                throw socket.failure()
            }
        }
        if isNew {
            let types = statement.parameters.map { Oid($0.type) }
            guard PQsendPrepare(connection, name, statement.sql, Int32(types.count), types) == 1 else {
                throw socket.failure()
            }
        }
        let sent = Self.withPointers(to: statement.parameters) { values, lengths, formats in
            PQsendQueryPrepared(
                connection, name, Int32(statement.parameters.count), values, lengths, formats, 1)
        }
        guard sent == 1 else { throw socket.failure() }
    }

    /// libpq copies what it is given.
    private static func withPointers<R>(
        to parameters: [PostgresValue],
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> R
    ) -> R {
        // One buffer for all, each value ended by a zero for those that are text.
        let total = parameters.reduce(0) { $0 + ($1.bytes?.count ?? 0) + 1 }
        return withUnsafeTemporaryAllocation(byteCount: max(1, total), alignment: 8) { buffer in
            var offset = 0
            var values: [UnsafePointer<CChar>?] = []
            values.reserveCapacity(parameters.count)
            for parameter in parameters {
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
            return body(
                values, parameters.map { Int32(clamping: $0.bytes?.count ?? 0) }, parameters.map { $0.isText ? 0 : 1 })
        }
    }
}
#endif

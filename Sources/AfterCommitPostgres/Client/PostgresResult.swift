#if Postgres
import AfterCommit
import CLibPQ

/// The rows that a statement returned. Use it inside the body that got it.
public final class PostgresResult {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }

    /// How many rows there are.
    public var count: Int { Int(PQntuples(pointer)) }
    public var isEmpty: Bool { count == 0 }
    /// How many rows were inserted, changed or deleted.
    public var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// What was done, such as `COMMIT`.
    var command: String { String(cString: PQcmdStatus(pointer)) }

    /// - Throws: `StorageError` where there is none.
    public func first() throws -> PostgresRow {
        guard !isEmpty else { throw StorageError(.systemFailure, "a statement that returns a row returned none") }
        return PostgresRow(result: self, index: 0)
    }
}

extension PostgresResult: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }
    public subscript(index: Int) -> PostgresRow { PostgresRow(result: self, index: Int32(index)) }
}
#endif

#if SQLite
public import AfterCommit
public import GRDB

extension SQLiteStorage {
    /// What became of a row's event; `nil` for a row that has none, or that is not there.
    /// - Parameter key: the value of the key column.
    /// - Throws: `StorageError` with `invalidTable` for a storage without a status column.
    public func status(of key: some DatabaseValueConvertible) async throws -> RowStatus? {
        guard let tables = context.tables as? StatusColumnTables else {
            throw StorageError(.invalidTable, "this storage has an outbox, and no status column")
        }
        let value = key.databaseValue
        return try await context.read { try tables.status(ofRow: value, $0) }
    }
}
#endif

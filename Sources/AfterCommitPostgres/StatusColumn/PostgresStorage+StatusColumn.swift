#if Postgres
public import AfterCommit

extension PostgresStorage {
    /// What became of a row's event; `nil` for a row that has none, or that is not there.
    ///
    /// ```swift
    /// let status = try await storage.status(of: .uuid(orderID))
    /// ```
    /// - Parameter key: the value of the key column.
    /// - Throws: `StorageError` with `invalidTable` for a storage without a status column; ``PostgresError``.
    public func status(of key: PostgresValue) async throws -> RowStatus? {
        guard let queue = queue as? PostgresStatusColumn else {
            throw StorageError(.invalidTable, "this storage has an outbox, and no status column")
        }
        return try await queue.status(of: key)
    }
}
#endif

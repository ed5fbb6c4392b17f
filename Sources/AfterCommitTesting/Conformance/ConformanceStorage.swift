public import AfterCommit

/// A transaction as the suite uses it: beside events it writes rows, text under text keys.
///
/// Typed tables have it already. For a storage without them it is two statements on a table of the tests' own:
///
/// ```swift
/// // CREATE TABLE conformance_rows (key TEXT PRIMARY KEY, text TEXT NOT NULL)
/// extension MyTransaction: ConformanceTransaction {
///     public func row(_ key: String) throws -> String? {
///         try select("SELECT text FROM conformance_rows WHERE key = ?", key)
///     }
///     public func putRow(_ text: String, for key: String) throws {
///         try execute(
///             """
///             INSERT INTO conformance_rows (key, text) VALUES (?, ?)
///             ON CONFLICT (key) DO UPDATE SET text = excluded.text
///             """, key, text)
///     }
/// }
/// ```
public protocol ConformanceTransaction: StorageTransaction {
    /// The row of `key`, as this transaction sees it.
    func row(_ key: String) throws -> String?
    /// Writes the row of `key`, in place of what was there. Other columns of the row, a status among them, stay as they are.
    func putRow(_ text: String, for key: String) throws
}

/// A storage that the suite can check.
///
/// ```swift
/// extension MyStorage: ConformanceStorage {
///     public func allRows() async throws -> [String: String] {
///         try await transaction { tx in try tx.selectPairs("SELECT key, text FROM conformance_rows") }
///     }
///     public func inboxKeys() async throws -> [String] {
///         try await transaction { tx in try tx.selectAll("SELECT key FROM inbox_records ORDER BY key") }
///     }
/// }
/// ```
///
/// A status column's events are in rows of the same table: one row for each event, under ``ConformanceEvent/rowKey``, rebuilt
/// by ``ConformanceEvent/init(rowText:)``. Such a storage tells statuses too:
///
/// ```swift
/// extension MyStorage {
///     public func status(ofRow key: String) async throws -> String? {
///         try await transaction { tx in try tx.select("SELECT status FROM conformance_rows WHERE key = ?", key) }
///     }
/// }
/// ```
public protocol ConformanceStorage: TransactionalStorage where Transaction: ConformanceTransaction {
    /// All committed rows.
    func allRows() async throws -> [String: String]
    /// The keys that the inbox has a record of, in order.
    func inboxKeys() async throws -> [String]
    /// What a status column says of a row: `pending`, `succeeded`, `failed`, or `nil` for one without an event. Default `nil`.
    func status(ofRow key: String) async throws -> String?
}

extension ConformanceStorage {
    public func status(ofRow key: String) async throws -> String? { nil }
}

extension ConformanceTransaction {
    /// Writes a row that must be new.
    func insertRow(_ text: String, for key: String) throws {
        guard try row(key) == nil else { throw StorageError.duplicateKey(table: "rows") }
        try putRow(text, for: key)
    }
}

extension ConformanceStorage {
    /// The rows that cases write, without those that events are rebuilt from.
    func rows() async throws -> [String: String] {
        try await allRows().filter { !$0.key.hasPrefix(ConformanceEvent.rowPrefix) }
    }
}

// MARK: Typed tables

extension Table where Key == String, Value == String {
    /// The rows of storages with typed tables.
    public static var conformanceRows: Self { Table("rows") }
}

extension ConformanceTransaction where Self: TableTransaction {
    public func row(_ key: String) throws -> String? { try value(for: key, in: .conformanceRows) }

    public func putRow(_ text: String, for key: String) throws { try put(text, for: key, in: .conformanceRows) }
}

extension ConformanceStorage where Self: TableStorage {
    public func allRows() async throws -> [String: String] {
        try await read { reader in
            let rows = try reader.entries(in: .conformanceRows, after: nil, limit: .max)
            return Dictionary(rows.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
    }

    public func inboxKeys() async throws -> [String] {
        try await read { reader in
            try reader.entries(in: Table<String, InboxRecord>(reserved: "aftercommit.inbox"), after: nil, limit: .max)
                .map(\.key)
        }
    }
}

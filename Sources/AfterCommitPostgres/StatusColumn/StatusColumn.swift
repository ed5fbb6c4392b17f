#if Postgres
public import AfterCommit

/// Which table of the user's carries events, and how an event and its row find each other.
struct StatusColumn: Sendable {
    let table: String
    let keyColumn: String
    let type: EventType
    let schemaVersion: Int
    /// The value of ``keyColumn`` in the event's row.
    let key: @Sendable (any Event) throws -> PostgresValue
    let rebuild: @Sendable (PostgresRow) throws -> any Event
    let decode: @Sendable (Emission, any EventCoder) throws -> any Event

    init<E: Event>(
        _ table: String, keyColumn: String, key: @escaping @Sendable (E) -> PostgresValue,
        rebuild: @escaping @Sendable (PostgresRow) throws -> E
    ) {
        self.table = table
        self.keyColumn = keyColumn
        type = E.type
        schemaVersion = E.schemaVersion
        self.key = { event in
            guard let event = event as? E else { throw Self.otherType }
            return key(event)
        }
        self.rebuild = { try rebuild($0) }
        decode = { emission, coder in
            guard emission.envelope.type == E.type else { throw Self.otherType }
            switch emission.envelope.payload {
            case .value(let event): return event
            case .bytes(let bytes): return try coder.decode(E.self, from: bytes)
            }
        }
    }

    static var otherType: StorageError { .needsOutbox("an event of another type") }

    /// The table's name as SQL has it.
    var name: String { Self.quoted(table) }
    var keyName: String { Self.quoted(keyColumn) }

    static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
    static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

extension PostgresStorage.Events {
    /// Beside each row of a table of the user's, in columns that are added to it: for one event type, one subscription and one
    /// server that delivers.
    ///
    /// ```swift
    /// let storage = try await PostgresStorage(
    ///     PostgresConfiguration("postgresql://shop@db.example/shop"),
    ///     events: .statusColumn(
    ///         "orders", keyColumn: "id", key: { (event: OrderPlaced) in .uuid(event.orderID) },
    ///         rebuild: { row in OrderPlaced(orderID: try row.uuid(try row.column("id"))) }))
    /// ```
    /// The row says `pending`, then `succeeded` or `failed` in `event_status`; `NULL` where it has no event. The event itself is
    /// not stored: it is rebuilt from the row when it is delivered, so it says what the row says then. Adding the columns
    /// delivers no row that was there before.
    ///
    /// Whoever sets `event_status` to `pending` in a row that never had an event has emitted one too; the server that delivers
    /// finds it within ``PostgresStorage/Configuration/pollInterval``.
    ///
    /// What it cannot do throws `StorageError` with `needsOutbox`: an event before its row is written or while the row's last
    /// one is pending, other types, delays, deduplication keys, ids of the caller's, a second subscription, what a handler's
    /// context emits.
    /// - Parameters:
    ///   - table: the table's name, at most 40 bytes, in the search path or in `PostgresConfiguration.schema`. It must exist.
    ///   - keyColumn: the column that tells its rows apart, its primary key as a rule.
    ///   - key: the value of `keyColumn` in the row of an event.
    ///   - rebuild: makes the event of all columns of its row. What it throws makes a dead letter: the row can be mended and
    ///     redriven.
    public static func statusColumn<E: Event>(
        _ table: String, keyColumn: String, key: @escaping @Sendable (E) -> PostgresValue,
        rebuild: @escaping @Sendable (PostgresRow) throws -> E
    ) -> Self {
        Self(column: StatusColumn(table, keyColumn: keyColumn, key: key, rebuild: rebuild))
    }
}
#endif

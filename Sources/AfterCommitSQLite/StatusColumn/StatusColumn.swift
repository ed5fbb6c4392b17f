#if SQLite
public import AfterCommit
public import GRDB

/// Which column of the user's table carries an event, and how the event and its row find each other.
struct StatusColumn: Sendable {
    let table: String
    let keyColumn: String
    let type: EventType
    let schemaVersion: Int
    /// The value of ``keyColumn`` in the event's row.
    let key: @Sendable (any Event) throws -> DatabaseValue
    let rebuild: @Sendable (Row) throws -> any Event
    let decode: @Sendable (Emission, any EventCoder) throws -> any Event

    init<E: Event, Key: DatabaseValueConvertible & SendableMetatype>(
        _ table: String, keyColumn: String, key: @escaping @Sendable (E) -> Key,
        rebuild: @escaping @Sendable (Row) throws -> E
    ) {
        self.table = table
        self.keyColumn = keyColumn
        type = E.type
        schemaVersion = E.schemaVersion
        self.key = { event in
            guard let event = event as? E else { throw StorageError.needsOutbox("an event of another type") }
            return key(event).databaseValue
        }
        self.rebuild = { try rebuild($0) }
        decode = { emission, coder in
            guard emission.envelope.type == E.type else { throw StorageError.needsOutbox("an event of another type") }
            switch emission.envelope.payload {
            case .value(let event): return event
            case .bytes(let bytes): return try coder.decode(E.self, from: bytes)
            }
        }
    }

    /// The table's name as SQL has it.
    var name: String { Self.quoted(table) }

    static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
}

extension SQLiteStorage.Events {
    /// Beside each row of a table of the user's, in columns that a migration adds: for one event type and one subscription.
    ///
    /// ```swift
    /// let storage = try await SQLiteStorage(
    ///     pool,
    ///     events: .statusColumn(
    ///         "orders", keyColumn: "id", key: { (event: OrderPlaced) in event.orderID },
    ///         rebuild: { row in
    ///             let order = try Order(row: row)
    ///             return OrderPlaced(orderID: order.id, total: order.total)
    ///         }))
    /// ```
    /// The row says `pending`, then `succeeded` or `failed` in `event_status`; `NULL` where it has no event. The event itself is
    /// not stored: it is rebuilt from the row when it is delivered, so it says what the row says then. Adding the columns
    /// delivers no row that was there before.
    ///
    /// What it cannot do throws `StorageError` with `needsOutbox`: an event before its row is written or while the row's last
    /// one is pending, other types, delays, deduplication keys, ids of the caller's, a second subscription, what a handler's
    /// context emits.
    /// - Parameters:
    ///   - table: the table's name. It must exist.
    ///   - keyColumn: the column that tells its rows apart, its primary key as a rule.
    ///   - key: the value of `keyColumn` in the row of an event.
    ///   - rebuild: makes the event of its row. What it throws makes a dead letter: the row can be mended and redriven. It must
    ///     not trap, as GRDB's `row["total"]` does for a value of another type: that ends the process at every start. A
    ///     `FetchableRecord` that is `Decodable` throws.
    public static func statusColumn<E: Event, Key: DatabaseValueConvertible & SendableMetatype>(
        _ table: String, keyColumn: String, key: @escaping @Sendable (E) -> Key,
        rebuild: @escaping @Sendable (Row) throws -> E
    ) -> Self {
        Self(tables: StatusColumnTables(column: StatusColumn(table, keyColumn: keyColumn, key: key, rebuild: rebuild)))
    }
}
#endif

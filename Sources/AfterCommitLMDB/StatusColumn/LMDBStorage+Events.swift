#if LMDB
public import AfterCommit

extension LMDBStorage {
    /// Where a store has its events.
    public struct Events: Sendable {
        /// `nil`: an outbox.
        let column: StatusColumn?

        /// Events are rows of their own, for any number of subscriptions.
        public static let outbox = Events(column: nil)

        /// Each row of one table of the user's has at most one event, told by a status beside it, a `RowStatus`.
        ///
        /// ```swift
        /// let storage = try LMDBStorage(
        ///     path: "shop.lmdb",
        ///     events: .statusColumn(orders, key: { (event: OrderPlaced) in event.orderID }) { id, order in
        ///         OrderPlaced(orderID: id, customer: order.customer, total: order.total)
        ///     })
        /// try await storage.transaction { tx in
        ///     try tx.insert(order, for: order.id, in: orders)
        ///     try tx.emit(OrderPlaced(orderID: order.id, customer: order.customer, total: order.total))
        /// }
        /// ```
        ///
        /// `emit` marks the row as pending, in the same transaction; the event itself is not stored. It is made of the row when it
        /// is claimed, and again before each later attempt: a row that changed meanwhile is told as it is then. Its id, date,
        /// headers and ordering key stay those of the emit. Writing the row keeps its status; removing the row removes its event,
        /// and one that has failed before is then settled without an attempt. A row that `rebuild` refuses makes a dead letter,
        /// `malformed`, with the row's bytes as payload.
        ///
        /// There is one subscription, to the events' type by its name, not by a pattern. Whenever it is registered, it gets every
        /// row that is pending, and no other: rows that have no status are history that is never delivered.
        /// ``LMDBStorage/removeSubscription(_:)`` leaves pending rows pending, for the next one.
        ///
        /// What a row has no room for throws `StorageError` with `needsOutbox`: an event whose row does not exist in the
        /// transaction, or whose event is pending; one of another type; delayed events, deduplication keys and ids of the caller's;
        /// what a handler emits with its context; a second subscription. A row whose event has succeeded or failed may emit again.
        /// A dead letter of an earlier event of the row can then be deleted, but not redriven.
        /// - Parameters:
        ///   - table: the table whose rows have events.
        ///   - key: the key of the row that an event tells of.
        ///   - rebuild: makes the event of a row. It runs on the storage's own threads and must do nothing else. It throws for a
        ///     row that is none of an event.
        public static func statusColumn<Key: TableKey, Value: Sendable, E: Event>(
            _ table: Table<Key, Value>, key: @escaping @Sendable (E) -> Key,
            rebuild: @escaping @Sendable (Key, Value) throws -> E
        ) -> Self {
            Self(column: StatusColumn(table, key: key, rebuild: rebuild))
        }

        /// What the store notes of it.
        var noted: NotedEvents {
            column.map { .statusColumn(table: $0.table, type: $0.type) } ?? .outbox
        }
    }
}
#endif

#if Postgres
extension PostgresStorage {
    /// Where events are kept.
    public struct Events: Sendable {
        let column: StatusColumn?

        /// In tables of their own, for any number of subscriptions and servers.
        public static let outbox = Events(column: nil)

        /// The numbered steps of the schema that this way of keeping events needs.
        public var migrations: [PostgresMigration] {
            column == nil ? PostgresStorage.migrations : PostgresStorage.migrations.filter { $0.name == "inbox" }
        }

        /// All of it as one script for those who apply it by their own tool, a status column's own statements included, which
        /// may be run again.
        public var schema: String { migrator.script }

        var migrator: Migrator { Migrator(migrations: migrations, column: column) }
    }
}
#endif

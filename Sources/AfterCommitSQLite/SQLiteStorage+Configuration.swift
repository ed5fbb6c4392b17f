#if SQLite
extension SQLiteStorage {
    /// Limits of a storage in SQLite.
    public struct Configuration: Sendable {
        /// How many events the outbox may hold, delivered ones that are kept and delayed ones included. Default 10,000,000.
        /// Emits fail with `storageFull` a little below it, see ``settleReserve``. A full outbox first forgets what is
        /// delivered, then the places of subscriptions that nobody delivers to.
        public var maxEvents: Int
        /// How many of ``maxEvents`` are kept for what handlers emit when they settle. Default 10,000, at most a
        /// quarter of ``maxEvents``. Transactional handlers may take half of it.
        public var settleReserve: Int
        /// How long events are kept after they were emitted, if every subscription has settled them. Default 24 hours.
        public var retention: Duration
        /// How long a write of the engine's waits while another connection is inside a write transaction, before it fails
        /// with `storeBusy`. Writes of yours do as GRDB's `busyMode` says. Default 5 s.
        public var busyTimeout: Duration
        /// How long an inbox remembers a key. Default 7 days.
        public var inboxWindow: Duration

        public init(
            maxEvents: Int = 10_000_000,
            settleReserve: Int = 10_000,
            retention: Duration = .seconds(24 * 3600),
            busyTimeout: Duration = .seconds(5),
            inboxWindow: Duration = .seconds(7 * 86_400)
        ) {
            self.maxEvents = maxEvents
            self.settleReserve = settleReserve
            self.retention = retention
            self.busyTimeout = busyTimeout
            self.inboxWindow = inboxWindow
        }
    }
}
#endif

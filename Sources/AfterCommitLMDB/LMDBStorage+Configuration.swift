#if LMDB
extension LMDBStorage {
    /// Limits of a store.
    public struct Configuration: Sendable {
        /// How large the store may grow, in bytes of used pages. Default 16 GiB. Emits and writing transactions fail with
        /// `storageFull` a little below it, see ``settleReserveBytes``.
        public var maxBytes: Int
        /// What is kept free of ``maxBytes`` so that deliveries can be settled while the store is full. Default 8 MiB,
        /// at most a quarter of ``maxBytes``. Transactional handlers may take half of it.
        public var settleReserveBytes: Int
        /// The address space that is reserved, in bytes. Default 256 GiB; it takes no memory and no disk, and is halved
        /// where the system does not grant it. Where it is less than ``maxBytes`` it grows while no transaction is open.
        public var mapReserveBytes: Int
        /// How long events are kept after every subscription has settled them. Default 24 hours.
        public var retention: Duration
        /// From which size of the log settled events are forgotten before ``retention`` is over, in bytes. Default 4 GiB.
        /// A full store forgets them whatever this says.
        public var maxRetainedBytes: Int
        /// How many tables the user may have. Default 100.
        public var maxTables: Int
        /// How long outcomes alone wait for emits to share a flush with, while emits are coming. Default 5 ms.
        public var settleDelay: Duration
        /// How long a write waits while another process is inside a write transaction, before it fails with `storeBusy` and
        /// that process's id. Default 5 s.
        public var writerTimeout: Duration

        public init(
            maxBytes: Int = 16 << 30,
            settleReserveBytes: Int = 8 << 20,
            mapReserveBytes: Int = 256 << 30,
            retention: Duration = .seconds(24 * 3600),
            maxRetainedBytes: Int = 4 << 30,
            maxTables: Int = 100,
            settleDelay: Duration = .milliseconds(5),
            writerTimeout: Duration = .seconds(5)
        ) {
            self.maxBytes = maxBytes
            self.settleReserveBytes = settleReserveBytes
            self.mapReserveBytes = mapReserveBytes
            self.retention = retention
            self.maxRetainedBytes = maxRetainedBytes
            self.maxTables = maxTables
            self.settleDelay = settleDelay
            self.writerTimeout = writerTimeout
        }
    }
}
#endif

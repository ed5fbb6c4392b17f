#if Postgres
public import AfterCommit
import Foundation

extension PostgresStorage {
    /// How a storage in PostgreSQL keeps and delivers events.
    public struct Configuration: Sendable {
        /// How long a relay may be silent before others take what it has claimed. It is renewed four times as often. Default
        /// 40 s; a subscription's timeout must be shorter.
        public var leaseDuration: Duration
        /// How often an idle relay looks for events although nothing told it of any. Default 1 s.
        public var pollInterval: Duration
        /// How long events are kept after they were emitted, if every subscription has settled them. Default 24 hours.
        public var retention: Duration
        /// How often they are pruned, 1,000 at a time. Default 60 s.
        public var pruneInterval: Duration
        /// How many events back a subscription is kept that nobody has delivered to for a day. What is older is forgotten
        /// undelivered, with an error in the log; dead letters stay. Default 10,000,000.
        public var maxOrphanedEvents: Int
        /// How long the inbox remembers a key. Default 7 days.
        public var inboxWindow: Duration
        /// How often a transaction is run again that a serialization failure or a deadlock undid. Default 10.
        public var maxConflicts: Int
        /// How long a server that is away is waited for, before a call fails. Default 30 s.
        public var reconnectTimeout: Duration
        /// Whether the tables are made and brought to this version's schema. Default true. Otherwise they must be there: see
        /// ``PostgresStorage/migrations``.
        public var migrates: Bool
        /// What the transactions of ``PostgresStorage/transaction(_:)`` see of others. Default ``Isolation/readCommitted``.
        public var isolation: Isolation
        /// What this relay is called in `outbox_relays`. Default: the process's id.
        public var relayName: String

        public init(
            leaseDuration: Duration = .seconds(40), pollInterval: Duration = .seconds(1),
            retention: Duration = .seconds(24 * 3600), pruneInterval: Duration = .seconds(60),
            maxOrphanedEvents: Int = 10_000_000,
            inboxWindow: Duration = InboxRecord.standardWindow, maxConflicts: Int = 10,
            reconnectTimeout: Duration = .seconds(30), migrates: Bool = true, isolation: Isolation = .readCommitted,
            relayName: String? = nil
        ) {
            self.leaseDuration = leaseDuration
            self.pollInterval = pollInterval
            self.retention = retention
            self.pruneInterval = pruneInterval
            self.maxOrphanedEvents = maxOrphanedEvents
            self.inboxWindow = inboxWindow
            self.maxConflicts = maxConflicts
            self.reconnectTimeout = reconnectTimeout
            self.migrates = migrates
            self.isolation = isolation
            self.relayName = relayName ?? "process \(ProcessInfo.processInfo.processIdentifier)"
        }

        /// - Throws: `StorageError` with `unsuitablePath` for a value with which nothing could work.
        func validate() throws(StorageError) {
            let least: [(name: String, value: Duration, least: Duration)] = [
                ("leaseDuration", leaseDuration, .milliseconds(100)), ("pollInterval", pollInterval, .milliseconds(1)),
                ("pruneInterval", pruneInterval, .milliseconds(1)), ("retention", retention, .zero),
                ("inboxWindow", inboxWindow, .zero), ("reconnectTimeout", reconnectTimeout, .zero),
            ]
            for (name, value, least) in least where value < least {
                throw StorageError(.unsuitablePath, "\(name) is \(value); it must be at least \(least)")
            }
            guard maxOrphanedEvents >= 0 else {
                throw StorageError(
                    .unsuitablePath, "maxOrphanedEvents is \(maxOrphanedEvents); it must not be negative")
            }
            guard maxConflicts >= 0 else {
                throw StorageError(.unsuitablePath, "maxConflicts is \(maxConflicts); it must not be negative")
            }
            guard !relayName.hasNUL else {
                throw StorageError(.unsuitablePath, "relayName has a NUL character")
            }
        }
    }

    /// PostgreSQL's isolation levels (its manual, 13.2). What a higher one undoes is run again.
    public enum Isolation: String, Sendable, Hashable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"

        var begin: String { "BEGIN ISOLATION LEVEL \(rawValue)" }
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Logging

/// What the writer and the reader share.
struct StoreContext: Sendable {
    let environment: Environment
    let databases: Databases
    let handles: TableHandles
    /// The store's own id, which no copy of it shares.
    let identity: UUID
    let deliveries: LiveDeliveries
    /// `nil` in an outbox.
    let column: StatusColumn?
    let room = ReservedRoom()
    let spareEvents = SpareEvents()
    let writerLock: WriterLock
    let commits: KnownCommits
    let configuration: LMDBStorage.Configuration
    let envelopes: EnvelopeFactory
    let time: TimeSource
    let logger: Logger

    func log(_ transaction: Transaction) -> EventLog {
        EventLog(transaction: transaction, database: databases.log)
    }

    func subscriptions(_ transaction: Transaction) -> SubscriptionTable {
        SubscriptionTable(transaction: transaction, database: databases.subscriptions)
    }

    func exceptions(_ transaction: Transaction) -> DeliveryTable {
        DeliveryTable(transaction: transaction, database: databases.exceptions)
    }

    func dead(_ transaction: Transaction) -> DeliveryTable {
        DeliveryTable(transaction: transaction, database: databases.dead)
    }

    func delayed(_ transaction: Transaction) -> DelayedTable {
        DelayedTable(transaction: transaction, database: databases.delayed)
    }

    func deduplication(_ transaction: Transaction) -> DeduplicationTable {
        DeduplicationTable(
            transaction: transaction, databases: databases, quarantine: quarantine(transaction))
    }

    func quarantine(_ transaction: Transaction) -> Quarantine {
        Quarantine(transaction: transaction, database: databases.quarantine, logger: logger)
    }

    func due(_ transaction: Transaction) -> DueIndex {
        DueIndex(transaction: transaction, database: databases.due)
    }
}
#endif

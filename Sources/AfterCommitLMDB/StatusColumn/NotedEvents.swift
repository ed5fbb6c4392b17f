#if LMDB
import AfterCommit
import CLMDB
import Foundation

/// Where a store has its events, as it is noted in the store.
enum NotedEvents: Equatable {
    case outbox
    case statusColumn(table: String, type: EventType)

    init(decoding content: UnsafeRawBufferPointer) throws(StorageError) {
        var reader = ByteReader(content)
        switch try reader.byte() {
        case 1: self = .outbox
        case 2: self = .statusColumn(table: try reader.string(), type: EventType(rawValue: try reader.string()))
        case let other:
            throw StorageError(
                .formatTooNew, "the store has its events in way \(other), which this version does not know")
        }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .outbox: writer.put(UInt8(1))
        case .statusColumn(let table, let type):
            writer.put(UInt8(2))
            writer.put(table)
            writer.put(type.rawValue)
        }
        return writer.bytes
    }

    var description: String {
        switch self {
        case .outbox: "an outbox"
        case .statusColumn(let table, let type): "a status column of table \(table) for events of type \(type)"
        }
    }
}

extension StoreFormat {
    private static let eventsName = "events"

    /// A store in which nothing is noted has an outbox.
    static func events(_ transaction: Transaction, _ meta: MDB_dbi) throws(StorageError) -> NotedEvents {
        let noted = try withKey(eventsName) { key throws(StorageError) in
            try transaction.content(key, in: meta).map { content throws(StorageError) in
                try NotedEvents(decoding: content)
            }
        }
        return noted ?? .outbox
    }

    /// Notes where the events are to be.
    /// - Throws: `unsettledEvents` where that would lose some, `storeBusy` while another process has the store open.
    static func adopt(
        _ events: NotedEvents, _ environment: Environment, _ lock: WriterLock, timeout: Duration, time: TimeSource
    ) throws(StorageError) {
        guard try noted(environment) != events else { return }
        guard try lock.useAlone() else {
            let processID = try lock.otherUser() ?? 0
            throw StorageError(
                .storeBusy, "process \(processID) has the store open with its events elsewhere; end that process",
                processID: processID)
        }
        try alone(environment, lock, timeout: timeout, time: time) { transaction, meta throws(StorageError) in
            let noted = try Self.events(transaction, meta)
            if let left = try UnsettledEvents(transaction, noted).first() {
                throw StorageError(
                    .unsettledEvents,
                    "the store has \(noted.description) with \(left); open it so, let an engine settle them and redrive or delete the dead letters, then open it with \(events.description)"
                )
            }
            try put(events.encoded, eventsName, transaction, meta)
            // From here on there may be rows with a status, whatever comes after.
            try write(withStatusColumn, transaction, meta)
        }
    }

    private static func noted(_ environment: Environment) throws(StorageError) -> NotedEvents {
        let transaction = try environment.beginRead()
        defer { transaction.abort() }
        return try events(transaction, try Databases.open("meta", transaction, create: false))
    }
}

/// Looks for what would be lost if a store had its events elsewhere.
private struct UnsettledEvents {
    let transaction: Transaction
    let noted: NotedEvents
    let databases: Databases

    init(_ transaction: Transaction, _ noted: NotedEvents) throws(StorageError) {
        self.transaction = transaction
        self.noted = noted
        databases = try Databases(transaction, create: false)
    }

    /// A description of something that is left; `nil` where nothing is.
    func first() throws(StorageError) -> String? {
        if try hasRows(databases.dead) { return "dead letters" }
        if try hasRows(databases.exceptions) { return "deliveries that wait" }
        if try hasRows(databases.delayed) { return "delayed events" }
        return try hasLogged() ? "events that are not settled" : nil
    }

    /// Whether there is something beside the key that keeps the tree from going empty.
    private func hasRows(_ database: MDB_dbi) throws(StorageError) -> Bool {
        try transaction.statistics(of: database).ms_entries > 1
    }

    private func hasLogged() throws(StorageError) -> Bool {
        let log = EventLog(transaction: transaction, database: databases.log)
        let places = try SubscriptionTable(transaction: transaction, database: databases.subscriptions).all()
        var rows: MDB_dbi?
        if case .statusColumn(let table, _) = noted, try TableHandles.exists(table, transaction) {
            rows = try TableHandles.create(table, transaction)
        }
        var isFound = false
        try log.scan(from: places.map(\.settledBelow).min() ?? 0) { sequence, entry throws(StorageError) in
            // What cannot be read is somebody's all the same.
            guard let content = try? entry.content(), let envelope = try? LogRecord.envelope(content) else {
                isFound = places.contains { !$0.isSettled(sequence) } || places.isEmpty
                return !isFound
            }
            switch noted {
            case .outbox:
                isFound =
                    places.isEmpty || places.contains { !$0.isSettled(sequence) && $0.types.contains(envelope.type) }
            case .statusColumn:
                guard let rows, let key = envelope.referredKey else { return true }
                let header = try? transaction.row(key, in: rows)?.header
                isFound = header?.status.state == .pending && header?.status.eventID == envelope.id
            }
            return !isFound
        }
        return isFound
    }
}
#endif

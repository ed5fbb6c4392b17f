#if LMDB
public import AfterCommit
import CLMDB
import Foundation

/// A transaction of an ``LMDBStorage``.
///
/// Its writes go to a child of the transaction that many of them share, begun at the first write, so that each can fail alone.
public final class LMDBTransaction: TableTransaction {
    /// The body itself, then each savepoint in it.
    private struct Level {
        /// `nil` until something is written at this level or further in.
        var child: Transaction?
        let emittedBefore: Int
        /// A write that failed. LMDB refuses to commit after one, so the level cannot succeed, whoever caught it.
        var failure: (any Error)?
    }

    let group: WriteGroup
    let envelopes: EnvelopeFactory
    private let use: Space.Use
    /// `nil` in an outbox.
    private let column: StatusColumn?
    private var levels = [Level(emittedBefore: 0)]
    // Unchecked: no code of the user's runs while one of the two is read or written, and one thread has the transaction.
    @exclusivity(unchecked) private var isOpen = true
    @exclusivity(unchecked) var events: EncodedEvents
    private(set) var writtenBytes = 0
    /// A table that must be created first, outside of this transaction; then the body runs again.
    private(set) var missingTable: String?

    init(group: WriteGroup, envelopes: EnvelopeFactory, use: Space.Use = .usual) {
        self.group = group
        self.use = use
        self.envelopes = envelopes
        column = group.context.column
        events = group.context.spareEvents.take(
            for: envelopes, contentType: column == nil ? nil : StatusColumn.referenceType)
    }

    // MARK: Emitting

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        try checkOpen()
        if let column { return try emit(event, options, column) }
        var options = options
        let head = try envelopes.examine(event, &options)
        if options.namesOneEvent { return try emitOnce(event, head, options) }
        let before = events.count
        var id = EventID(high: 0, low: 0)
        do {
            try envelopes.withPayload(of: event) { payload in
                let stamp = envelopes.stamp(head, options)
                events.append(ObjectIdentifier(E.self), head, stamp, options.deliverAt, payload: payload)
                id = stamp.id
            }
        } catch {
            events.truncate(to: before)
            throw error
        }
        return id
    }

    private func emitOnce<E: Event>(_ event: E, _ head: EventHead, _ options: EmitOptions) throws -> EventID {
        let emission = try envelopes.emission(event, head, options: options, form: .bytes)
        if let key = emission.deduplication, let first = try firstID(for: key) { return first }
        try events.append(emission, coder: envelopes.coder)
        return emission.envelope.id
    }

    /// The id of the event that the key stands for, in the store or in this transaction.
    private func firstID(for key: Emission.Deduplication) throws -> EventID? {
        if let known = try group.firstID(for: key, in: innermost) { return known }
        guard let earlier = events.first(with: key) else { return nil }
        guard earlier.deduplication == key else {
            throw EmitError.deduplicationConflict(key: key.callersKey, firstID: earlier.id)
        }
        return earlier.id
    }

    // MARK: Tables

    public func value<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Value? {
        try access(table).value(for: key, in: table)
    }

    public func entries<Key, Value>(
        in table: Table<Key, Value>, after cursor: Key?, limit: Int
    ) throws -> [(key: Key, value: Value)] {
        try access(table).entries(in: table, after: cursor, limit: limit)
    }

    public func count<Key, Value>(of table: Table<Key, Value>) throws -> Int {
        try access(table).count()
    }

    public func put<Key, Value>(_ value: Value, for key: Key, in table: Table<Key, Value>) throws {
        let database = try access(table).database
        let key = try table.checkedBytes(of: key)
        let content = try table.encode(value)
        if let column, column.table == table.name, let header = try header(of: key, in: database) {
            return try putRow(key, database, header, content)
        }
        try writing { transaction in
            try takeRoom(key.count + content.count + Record.headerBytes + Space.nodeBytes)
            try key.withUnsafeBytes { key in
                try transaction.put(key, in: database, count: content.count) {
                    $0.copyBytes(from: content)
                }
            }
        }
    }

    /// Counts what is about to be written, where there is room for it.
    func takeRoom(_ bytes: Int) throws {
        try group.checkRoom(forFurther: writtenBytes + events.storedBytes + bytes, use: use)
        writtenBytes += bytes
    }

    @discardableResult
    public func removeValue<Key, Value>(for key: Key, in table: Table<Key, Value>) throws -> Bool {
        let database = try access(table).database
        let key = try table.checkedBytes(of: key)
        return try writing { transaction in
            try key.withUnsafeBytes { try transaction.delete($0, in: database) }
        }
    }

    // MARK: Savepoints

    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        try checkOpen()
        levels.append(Level(emittedBefore: events.count))
        let result: R
        do {
            result = try body()
            if let failure = levels.last?.failure { throw failure }
        } catch {
            undoLevel()
            throw error
        }
        try keepLevel()
        return result
    }

    private func keepLevel() throws {
        guard let child = levels.removeLast().child else { return }
        do {
            try child.commit()
        } catch {
            levels[levels.count - 1].failure = error
            throw error
        }
    }

    private func undoLevel() {
        let level = levels.removeLast()
        level.child?.abort()
        events.truncate(to: level.emittedBefore)
    }

    // MARK: Ending

    /// Makes the body's writes part of the group. After it nothing can be done with the transaction.
    func keep() throws {
        isOpen = false
        if let failure = levels[0].failure {
            undoLevel()
            throw failure
        }
        try levels.removeLast().child?.commit()
    }

    func rollBack() {
        isOpen = false
        while !levels.isEmpty { undoLevel() }
    }

    /// Lets the next transaction have the memory. Nothing is read of this one any more.
    func end() {
        isOpen = false
        var ended = EncodedEvents(for: envelopes, capacity: 0)
        swap(&ended, &events)
        group.context.spareEvents.giveBack(ended)
    }

    // MARK: Access

    func checkOpen() throws {
        guard isOpen else { throw StorageError.transactionClosed }
    }

    func access<Key, Value>(_ table: Table<Key, Value>) throws -> TableAccess {
        try checkOpen()
        try group.handles.check(table)
        return TableAccess(transaction: innermost, database: try database(ofTable: table.name))
    }

    func database(ofTable name: String) throws -> MDB_dbi {
        guard let database = group.database(ofTable: name) else {
            // A child's new database would be lost with it, so the group makes it.
            missingTable = name
            throw MissingTable()
        }
        return database
    }

    /// While a child is open LMDB allows nothing on its parent.
    var innermost: Transaction { levels.last { $0.child != nil }?.child ?? group.transaction }

    func writing<R>(_ body: (Transaction) throws -> R) throws -> R {
        do {
            var innermost = group.transaction
            for index in levels.indices {
                let child = try levels[index].child ?? group.environment.beginWrite(parent: innermost)
                levels[index].child = child
                innermost = child
            }
            return try body(innermost)
        } catch {
            levels[levels.count - 1].failure = error
            throw error
        }
    }
}

/// Ends a body that met a table which does not exist yet; the user never sees it.
struct MissingTable: Error {}
#endif

/// A business transaction: what is written and emitted in it is committed together, or not at all.
///
/// It is a class that is not `Sendable` and is given only to the synchronous body of
/// ``TransactionalStorage/transaction(_:)``: it cannot leave that body, and after the body has ended every use throws
/// ``StorageError/transactionClosed``.
public protocol StorageTransaction: AnyObject, EventEmitter {
    /// Runs `body` as a part that can fail alone: when it throws, what it wrote and emitted is undone,
    /// and the transaction around it goes on. Savepoints nest.
    func savepoint<R>(_ body: () throws -> R) throws -> R

    /// What the inbox has under `key`. Use `once` of ``TransactionalStorage`` to handle something once.
    func inboxRecord(for key: String) throws -> InboxRecord?

    /// Writes what the inbox has under `record.key`, and forgets a few records that are older than `window`.
    func putInboxRecord(_ record: InboxRecord, window: Duration) throws
}

/// A storage that holds the user's own data beside the events.
///
/// A use case asks for `any` of these and cannot tell which one it has:
///
/// ```swift
/// protocol OrderTransaction: StorageTransaction { func insert(_ order: Order) throws }
/// protocol OrderStorage: TransactionalStorage where Transaction: OrderTransaction {}
/// ```
public protocol TransactionalStorage: EventStorage {
    associatedtype Transaction: StorageTransaction

    /// Runs `body` in a transaction and commits it, durably where the storage is durable.
    ///
    /// The body is synchronous and may run more than once, so it must have no effect outside its transaction.
    /// A task cancelled while its body waits for its turn never runs it; once the body has started, its result is returned.
    /// - Returns: what `body` returned, after the commit.
    /// - Throws: what `body` threw, after rolling back; ``StorageError`` if the storage cannot commit.
    @discardableResult
    func transaction<R: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> R
    ) async throws -> R

    /// Runs `body` in a transaction that also settles `delivery` as delivered: its writes, its emits and the settlement are
    /// one commit. It is how a transactional handler runs, see ``subscription(_:to:policy:endpoint:start:onExhausted:handler:)``.
    ///
    /// What the body writes and emits may take a part of the storage's reserve: a handler makes room, and must not wait for it.
    /// - Returns: what `body` returned; `nil` where the delivery was settled already, and nothing of the body is kept.
    /// - Throws: as ``transaction(_:)``; ``StorageError`` with `notClaimed` where the attempt was given up while the body ran
    ///   and that was recorded first.
    func transaction<R: Sendable>(
        settling delivery: DeliveryID, _ body: @escaping @Sendable (Transaction) throws -> R
    ) async throws -> R?
}

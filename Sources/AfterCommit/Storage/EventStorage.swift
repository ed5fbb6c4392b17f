/// The queue of deliveries. It is asked for many deliveries at once and told many outcomes at once.
///
/// Write against ``TransactionalStorage`` in a use case and ``EventEngine`` in a server; this protocol is for those who
/// write a storage. `ConformanceSuite` of `AfterCommitTesting` checks one.
public protocol EventStorage: Sendable {
    /// A short name for logs, such as `memory` or `lmdb`.
    var name: String { get }

    /// How long a claim lasts before another server may take it, or `nil` where one owner alone delivers.
    var leaseDuration: Duration? { get }

    /// Decodes what this storage encoded.
    var coder: any EventCoder { get }

    /// Emits events outside a business transaction: durable when it returns, where the storage is durable.
    /// It suspends or throws while the storage is full.
    @discardableResult
    func emit<E: Event>(
        contentsOf events: [E], headers: [String: String]
    ) async throws -> [EventID]

    /// Emits one event, as ``emit(contentsOf:headers:)`` does.
    @discardableResult
    func emit<E: Event>(_ event: E, headers: [String: String]) async throws -> EventID

    /// Takes the right to deliver, and registers each subscription's place: a new one starts at the next event.
    /// - Parameters:
    ///   - subscriptions: all that this engine delivers to.
    ///   - wake: called after each commit that may have made something claimable. It must not be called from inside a storage lock, and never blocks.
    /// - Returns: for each subscription, in order, what it must know to keep ordering keys.
    /// - Throws: ``StorageError`` with `storeBusy` or `alreadyOpen` where someone else delivers.
    func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable () -> Void
    ) async throws -> [SubscriptionPlace]

    /// The names of all subscriptions that have a place here, whoever registered them.
    func registeredSubscriptions() async throws -> [String]

    /// Gives up the right to deliver. What was claimed and not settled is claimable again. Never blocks.
    func detach()

    /// Hands out deliveries: those that are due again, then new ones, in commit order. Nothing is handed out twice
    /// until it is settled or released.
    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch

    /// Hands out deliveries that were settled as ``Settlement/Outcome/blocked``: the first of each of the keys, in commit order.
    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]]

    /// Takes deliveries back as they were before their claim. It writes nothing.
    func release(_ sequences: [UInt64], subscription: String) async

    /// Records outcomes durably, all or none.
    func settle(_ batch: SettlementBatch) async throws -> SettlementReport

    /// How many deliveries are in each state.
    func counts(subscription: String) async throws -> DeliveryCounts

    /// Deliveries that match, in commit order, as ``DeliveryQuery/limit`` says.
    func deliveries(_ query: DeliveryQuery) async throws -> [DeliveryRecord]

    /// Dead letters that match, in commit order, at most `query.limit`.
    func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter]

    /// Puts dead letters back, attempts reset, replay count raised. Ids that are not dead letters are skipped.
    /// - Returns: those that were put back.
    func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID]

    /// Deletes dead letters for good. Ids that are not dead letters are skipped.
    /// - Returns: those that were deleted.
    func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID]
}

extension EventStorage {
    public var leaseDuration: Duration? { nil }

    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String]) async throws -> EventID {
        try await emit(contentsOf: [event], headers: headers)[0]
    }
}

/// A subscription as a storage knows it.
public struct SubscriptionRegistration: Sendable, Hashable {
    public let name: String
    /// The event types it handles.
    public let types: Set<EventType>

    public init(name: String, types: Set<EventType>) {
        self.name = name
        self.types = types
    }
}

/// What a subscription must know of its stored deliveries to keep the order of keys.
public struct SubscriptionPlace: Sendable {
    /// Keys that have a retrying or dead delivery, or blocked ones.
    public var orderedKeys: [OrderedKey]

    public struct OrderedKey: Sendable, Hashable {
        public var key: String
        /// The first delivery of the key that is retrying, if one is.
        public var retrying: UInt64?
        /// The delivery of the key that is a dead letter and blocks it, if one does.
        public var dead: UInt64?
        /// How many deliveries are stored as blocked.
        public var blocked: Int

        public init(key: String, retrying: UInt64? = nil, dead: UInt64? = nil, blocked: Int = 0) {
            self.key = key
            self.retrying = retrying
            self.dead = dead
            self.blocked = blocked
        }
    }

    public init(orderedKeys: [OrderedKey] = []) {
        self.orderedKeys = orderedKeys
    }
}

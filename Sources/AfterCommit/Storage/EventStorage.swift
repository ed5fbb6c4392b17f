public import Foundation

/// The queue of deliveries. It is asked for many deliveries at once and told many outcomes at once.
///
/// Write against ``TransactionalStorage`` in a use case and ``EventEngine`` in a server; this protocol is for those who
/// write a storage. `ConformanceSuite` of `AfterCommitTesting` checks one.
public protocol EventStorage: Sendable {
    /// A short name for logs, such as `memory` or `lmdb`.
    var name: String { get }

    /// How long a claim lasts before another server may take it, or `nil` where one owner alone delivers.
    var leaseDuration: Duration? { get }

    /// How many deliveries it has made claimable again, since it was made, because the leases of those who had claimed them
    /// ran out. Default 0, for a storage without leases.
    var reclaimedDeliveries: Int { get }

    /// Whether the storage itself keeps each ordering key in order, because several processes may deliver from it: it hands
    /// out a delivery only while what comes before it is settled or in the same process's hands, and what was settled as
    /// ``Settlement/Outcome/blocked`` comes back by ``claim(_:)`` when its turn has come. Default `false`: the engine asks
    /// for it with ``claimBlocked(subscription:orderingKeys:limitPerKey:)``.
    var ordersKeys: Bool { get }

    /// Puts events into envelopes, and decodes what this storage encoded.
    var envelopes: EnvelopeFactory { get }

    /// How long an inbox remembers a key. An engine refuses subscriptions that may deliver for longer. Default 7 days.
    var inboxWindow: Duration { get }

    /// Emits events outside a business transaction: durable when it returns, where the storage is durable.
    /// It suspends or throws while the storage is full.
    @discardableResult
    func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID]

    /// Emits one event, as ``emit(contentsOf:options:)`` does.
    @discardableResult
    func emit<E: Event>(_ event: E, options: EmitOptions) async throws -> EventID

    /// Keeps room free for so many events, of ``RoomReservation/bytesPerEvent`` each. It suspends or throws while there is none.
    func reserveRoom(for events: Int) async throws -> RoomReservation

    /// Emits into reserved room, which is given back. It neither suspends nor throws for want of room.
    @discardableResult
    func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID]

    /// Gives reserved room back. Never blocks.
    func cancel(_ reservation: RoomReservation)

    /// Stores events that came from elsewhere, from a broker say, each once for its id: durable when it returns, where the
    /// storage is durable. All that can be stored are, in one commit; what cannot is told of, and holds up no other.
    ///
    /// Ids are remembered for 7 days, as deduplication keys are.
    /// - Parameter emissions: one without a deduplication is always stored.
    /// - Throws: ``StorageError`` where nothing was stored: `storageFull` where there is no room, or it suspends, as emits do.
    func receive(_ emissions: [Emission]) async throws -> ReceiveReport

    /// Takes the right to deliver, and registers each subscription's place.
    ///
    /// Deliveries that were parked as ``ParkReason/unknownType`` are due again, because this binary may know them, unless
    /// ``SubscriptionRegistration/retriesParked`` says otherwise.
    /// - Parameters:
    ///   - subscriptions: all that this engine delivers to.
    ///   - wake: called after each commit that may have made something claimable. It must not be called from inside a storage lock, and never blocks.
    /// - Returns: for each subscription, in order, what it must know to go on.
    /// - Throws: ``StorageError`` with `storeBusy` or `alreadyOpen` where someone else delivers.
    func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace]

    /// Notes which attempts run, where the storage can tell the next process of them. Default `nil`.
    func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)?

    /// The names of all subscriptions that have a place here, whoever registered them.
    func registeredSubscriptions() async throws -> [String]

    /// Forgets a subscription that nobody delivers to: its place, its waiting deliveries and its dead letters.
    /// - Returns: what was forgotten, or `nil` where it had no place.
    /// - Throws: ``StorageError`` with `alreadyOpen` for one that this process delivers to; with `storeBusy` while another
    ///   process delivers from the storage.
    func removeSubscription(_ name: String) async throws -> DeliveryCounts?

    // MARK: Delayed events

    /// Moves delayed events whose moment has come to the end of the log, where every subscription finds them.
    /// - Returns: when the next one is due, `nil` where none waits.
    func publishDelayed(dueBy now: Date) async throws -> Date?

    /// Delayed events, the earliest first, from the first after `position`, which need not be one's any more.
    func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent]

    /// Deletes delayed events that were not published yet.
    /// - Returns: those that were deleted.
    func cancelDelayed(_ ids: [EventID]) async throws -> [EventID]

    // MARK: Delivering

    /// Tells which of these deliveries are settled for good: delivered, or a dead letter that was deleted. After
    /// ``StorageChange/deadLetters`` an engine asks it of what ordering keys wait for: dead letters and retries.
    func settled(among sequences: [UInt64], subscription: String) async throws -> [UInt64]

    /// Gives up the right to deliver. What was claimed and not settled is claimable again. Never blocks.
    func detach()

    /// Hands out deliveries: those that are due again, then new ones, in commit order. Nothing is handed out twice
    /// until it is settled or released.
    func claim(_ request: ClaimRequest) async throws -> ClaimedBatch

    /// Hands out deliveries that were settled as ``Settlement/Outcome/blocked``: the first of each of the keys, in commit order.
    func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]]

    /// Hands out these deliveries, wherever they wait. Those that are settled, dead or handed out already are left out.
    func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery]

    /// Takes deliveries back as they were before their claim. It writes nothing.
    func release(_ sequences: [UInt64], subscription: String) async

    /// Records outcomes durably, all or none, and stores what handlers emitted and what compensates dead letters. A delivery that is settled already is left
    /// as it is and reported as ``SettlementReport/stale``.
    func settle(_ batch: SettlementBatch) async throws -> SettlementReport

    /// Refuses an event that a handler's context wants to emit, or that compensates a dead letter, where it could not be stored
    /// with the settlement. Default: none.
    func validate(_ emission: Emission) throws

    // MARK: Inspecting

    /// How many deliveries are in each state.
    func counts(subscription: String) async throws -> DeliveryCounts

    /// How large the backlog is, as far as that can be told without walking it: asked every few seconds, of any backlog.
    /// Default: ``counts(subscription:)``, which may walk it.
    func backlog(subscription: String) async throws -> BacklogEstimate

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
    /// Decodes what this storage encoded.
    public var coder: any EventCoder { envelopes.coder }

    public var leaseDuration: Duration? { nil }

    public var reclaimedDeliveries: Int { 0 }

    public var ordersKeys: Bool { false }

    public var inboxWindow: Duration { InboxRecord.standardWindow }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) async throws -> EventID {
        try await emit(contentsOf: [event], options: options)[0]
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String] = [:]) async throws -> EventID {
        try await emit(event, options: EmitOptions(headers: headers))
    }

    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], headers: [String: String] = [:]) async throws -> [EventID] {
        try await emit(contentsOf: events, options: EmitOptions(headers: headers))
    }

    public func backlog(subscription: String) async throws -> BacklogEstimate {
        BacklogEstimate(try await counts(subscription: subscription))
    }

    public func attemptJournal(subscription: String, lanes: Int) -> (any AttemptJournal)? { nil }

    public func validate(_ emission: Emission) throws {}
}

/// What a commit may have changed for those who deliver.
public struct StorageChange: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Something may be claimable.
    public static let claimable = Self(rawValue: 1)
    /// A delayed event was stored.
    public static let delayed = Self(rawValue: 2)
    /// Dead letters were redriven or deleted, by whomever, or what was to be tried again is gone.
    public static let deadLetters = Self(rawValue: 4)
    /// What was claimed here is claimable by others, because its lease was not renewed in time.
    public static let leasesLost = Self(rawValue: 8)
}

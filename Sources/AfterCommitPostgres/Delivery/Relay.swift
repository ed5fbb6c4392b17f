#if Postgres
import AfterCommit
import Foundation

/// This process among those that deliver from one outbox: its epoch, where its claims look, whom it wakes.
///
/// A value behind a lock, so that claims, settlements and the heartbeat see one state.
final class Relay: Sendable {
    struct State {
        /// Fences what it claims; `nil` while it has no lease.
        var epoch: Int64?
        /// Whether inserting transactions are asked to notify it.
        var isIdle = false
        var wake: (@Sendable (StorageChange) -> Void)?
        var subscriptions: [String: Int32] = [:]
        /// Subscriptions whose last claim found something.
        var busy: Set<String> = []
        /// How many claims in a row found something.
        var findings = 0
        /// From where claims look for what is ready.
        var looks: [String: Look] = [:]
        /// Subscriptions whose engine is being told that the lease was lost: what it gets before it knows would be lost too.
        var untold: Set<String> = []
        /// What settlements were about that were not answered: they may have been written.
        var unanswered: [String: Set<UInt64>] = [:]
        /// Counts what has begun.
        var attachment: UInt64 = 0
    }

    /// What is ready lies behind the index entries of what was settled, which are there until a vacuum: most claims begin where
    /// the last one found something.
    struct Look {
        var from: UInt64 = 0
        /// When one looked from the beginning.
        var began: Duration

        /// Transactions that take a sequence and commit later are this far behind at most, almost always.
        static let overlap: UInt64 = 1_000
        /// How long what lies further behind may stay unseen.
        static let maxAge = Duration.seconds(1)
    }

    /// After so many claims in a row that found something it looks by itself, and inserting transactions need not notify it.
    private static let findingsUntilBusy = 4

    private let state = Locked(State())

    var epoch: Int64? { state.withLock { $0.epoch } }

    // MARK: Beginning and ending

    /// - Returns: false where somebody delivers already.
    func begin(wake: @escaping @Sendable (StorageChange) -> Void) -> Bool {
        state.withLock { state in
            guard state.wake == nil else { return false }
            state.wake = wake
            state.attachment += 1
            return true
        }
    }

    func set(_ subscriptions: [String: Int32]) {
        state.withLock { $0.subscriptions = subscriptions }
    }

    /// What delivers now; `nil` for nobody.
    var attachment: UInt64? { state.withLock { $0.wake == nil ? nil : $0.attachment } }

    func needsLease(_ attachment: UInt64) -> Bool {
        state.withLock { $0.wake != nil && $0.attachment == attachment && $0.epoch == nil }
    }

    /// - Returns: false where the attachment has ended meanwhile.
    func joined(_ epoch: Int64, _ attachment: UInt64) -> Bool {
        state.withLock { state in
            guard state.wake != nil, state.attachment == attachment else { return false }
            state.epoch = epoch
            return true
        }
    }

    /// - Returns: what is to be given back; `nil` where nobody delivered.
    @discardableResult
    func end() -> Left? {
        state.withLock { state in
            guard state.wake != nil else { return nil }
            let left = Left(epoch: state.epoch)
            state = State(attachment: state.attachment)
            return left
        }
    }

    /// What a relay that has ended still holds.
    struct Left: Sendable {
        let epoch: Int64?

        func giveBack(in session: PostgresSession) throws {
            guard let epoch else { return }
            // One transaction. It waits for a claim that is under way, and no later one finds the lease. What a transaction has
            // locked that settles it is freed by whoever looks next.
            try session.pipeline([
                PostgresStatement(RelayStatement.leave, [.int64(epoch)]),
                PostgresStatement(RelayStatement.reap),
                PostgresStatement(OutboxStatement.notify),
            ])
        }
    }

    /// Wakes the engine, outside of every lock.
    func wake(_ change: StorageChange) {
        guard !change.isEmpty else { return }
        state.withLock { $0.wake }?(change)
    }

    /// As ``subscription(_:)``, for a claim of what there is.
    /// - Returns: `nil` for a subscription whose engine may not know yet that it has lost all: once it has had this answer, it
    ///   finds out before it asks again.
    func beginClaim(_ name: String) throws(StorageError) -> (id: Int32, epoch: Int64)? {
        let (found, isUntold) = state.withLock { state in
            // Another lease is there only once the engine has been woken.
            let isUntold = state.epoch != nil && !state.untold.isEmpty && state.untold.remove(name) != nil
            return ((state.subscriptions[name], state.epoch), isUntold)
        }
        return isUntold ? nil : try Self.whole(name, found)
    }

    /// The subscription's number in the database.
    func subscription(_ name: String) throws(StorageError) -> (id: Int32, epoch: Int64) {
        try Self.whole(name, state.withLock { state in (state.subscriptions[name], state.epoch) })
    }

    private static func whole(
        _ name: String, _ found: (id: Int32?, epoch: Int64?)
    ) throws(StorageError) -> (id: Int32, epoch: Int64) {
        guard let id = found.id else {
            throw StorageError(.closed, "nobody delivers to \(name) here; attach it first")
        }
        guard let epoch = found.epoch else {
            throw StorageError(.storeBusy, "the relay's lease has lapsed and is being renewed; try again")
        }
        return (id, epoch)
    }

    /// Notes what a claim found.
    /// - Returns: what the relay now is, where it was otherwise: `true` for idle.
    func found(_ count: Int, for subscription: String) -> Bool? {
        state.withLock { state in
            guard count > 0 else {
                state.busy.remove(subscription)
                state.findings = 0
                guard state.busy.isEmpty, !state.isIdle else { return nil }
                state.isIdle = true
                return true
            }
            state.busy.insert(subscription)
            state.findings += 1
            guard state.isIdle, state.findings >= Self.findingsUntilBusy else { return nil }
            state.isIdle = false
            return false
        }
    }

    /// - Returns: the sequence to look from.
    func beginLook(_ subscription: String, now: Duration) -> UInt64 {
        state.withLock { state in
            if let look = state.looks[subscription], now < look.began + Look.maxAge { return look.from }
            state.looks[subscription] = Look(began: now)
            return 0
        }
    }

    /// Notes what a claim found that found as much as it may.
    func endLook(_ subscription: String, found deliveries: [ClaimedDelivery]) {
        let first = deliveries.lazy.filter { $0.history == nil }.map(\.sequence).min() ?? 0
        state.withLock { state in
            state.looks[subscription]?.from = first > Look.overlap ? first - Look.overlap : 0
        }
    }

    /// What lies further behind is ready again.
    func lookAnew(_ subscription: String) {
        state.withLock { $0.looks[subscription] = nil }
    }

    /// Notes that nobody knows whether these are settled.
    func noteUnanswered(_ sequences: [UInt64], of subscription: String) {
        state.withLock { $0.unanswered[subscription, default: []].formUnion(sequences) }
    }

    /// Takes out those of `sequences` of which that was noted.
    func takeUnanswered(_ sequences: [UInt64], of subscription: String) -> Set<UInt64> {
        state.withLock { state in
            guard let noted = state.unanswered.removeValue(forKey: subscription) else { return [] }
            let left = noted.subtracting(sequences)
            if !left.isEmpty { state.unanswered[subscription] = left }
            return noted.subtracting(left)
        }
    }

    /// The numbers of what it delivers to.
    var numbers: [Int32] { state.withLock { Array($0.subscriptions.values) } }

    func delivers(to subscription: String) -> Bool { state.withLock { $0.subscriptions[subscription] != nil } }

    var isIdle: Bool { state.withLock { $0.isIdle } }

    /// It is not known whether inserting transactions notify it: the next claim that finds nothing asks them to.
    func noteIdleUnknown() {
        state.withLock { $0.isIdle = false }
    }

    /// The lease is another's: nothing that was claimed with it is in hand any more.
    /// - Returns: whether this call noticed it first.
    func lapsed(_ epoch: Int64) -> Bool {
        state.withLock { state in
            guard state.epoch == epoch else { return false }
            state.epoch = nil
            state.untold = Set(state.subscriptions.keys)
            state.unanswered = [:]
            state.isIdle = false
            state.busy = []
            state.looks = [:]
            return true
        }
    }
}

extension [UInt64] {
    /// As PostgreSQL has them: its sequences never reach the sign.
    var signed: [Int64] { map { Int64(bitPattern: $0) } }
}
#endif

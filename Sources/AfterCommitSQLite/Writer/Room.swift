#if SQLite
import AfterCommit
import GRDB
import Logging

/// How many more events the outbox takes. Counted exactly only near the limit.
final class Room: Sendable {
    /// What a write may take.
    enum Share {
        case emitter
        /// A transactional handler, which settles: half of the reserve.
        case settling
        /// Never refused: room was reserved, or handlers that are done emitted it.
        case granted
    }

    private struct State {
        /// What was counted last; `nil` before.
        var counted: EventCount?
        /// Whether something may have been forgotten since.
        var mayHaveShrunk = true
        /// Events that were stored since without taking a sequence, the delayed ones.
        var delayed = 0
        var reserved = 0
        /// Whether it was counted in the transaction that is open: what was counted may be undone with it.
        var isCountUncommitted = false
    }

    let limit: Int
    private let reserve: Int
    private let state = Locked(State())

    init(_ configuration: SQLiteStorage.Configuration) {
        limit = configuration.maxEvents
        reserve = min(configuration.settleReserve, configuration.maxEvents / 4)
    }

    // MARK: Reservations

    func reserve(_ events: Int) {
        state.withLock { $0.reserved += events }
    }

    func giveBack(_ events: Int) {
        state.withLock { $0.reserved = max(0, $0.reserved - events) }
    }

    /// Something was settled, deleted or published.
    func noteShrunk() {
        state.withLock { $0.mayHaveShrunk = true }
    }

    func noteDelayed(_ count: Int) {
        state.withLock { $0.delayed += count }
    }

    func noteCommitted() {
        state.withLock { $0.isCountUncommitted = false }
    }

    /// A transaction, or a part of one, was undone, with what was counted in it.
    func noteUndone() {
        state.withLock { state in
            state.mayHaveShrunk = true
            if state.isCountUncommitted { state.counted = nil }
            state.isCountUncommitted = false
        }
    }

    // MARK: Looking

    /// Refuses what does not fit.
    /// - Parameters:
    ///   - count: how many events are to be stored beyond those that are.
    ///   - lastSequence: the last that was given out, those of the open transaction included.
    ///   - isAlwaysCounted: whether it is counted near the limit although nothing is known to have been forgotten: where
    ///     another process delivers.
    ///   - recount: counts exactly.
    ///   - forgetting: ways to make room, the mildest first. Each tells whether it forgot something.
    /// - Returns: how many more fit.
    func check(
        further count: Int, share: Share, lastSequence: UInt64, isAlwaysCounted: Bool,
        recount: () throws -> EventCount?, forgetting: [() throws -> Bool]
    ) throws -> Int {
        if case .granted = share { return .max }
        var left: Int? = state.withLock { self.left($0, share, lastSequence) }
        if left.map({ $0 < count }) ?? true, isAlwaysCounted || state.withLock(\.mayHaveShrunk) {
            func recounted() throws -> Int? {
                guard let counted = try recount() else { return .max }
                return state.withLock { state -> Int? in
                    state.counted = counted
                    state.delayed = 0
                    state.mayHaveShrunk = false
                    state.isCountUncommitted = true
                    return self.left(state, share, lastSequence)
                }
            }
            left = try recounted()
            for forget in forgetting where left.map({ $0 < count }) ?? true {
                if try forget() { left = try recounted() }
            }
        }
        guard let left, left >= count else {
            throw StorageError.storageFull(
                "the outbox holds about \(limit) events with what is reserved, its `maxEvents`; let deliveries go on, delete dead letters, or raise `maxEvents`"
            )
        }
        return left
    }

    private func left(_ state: State, _ share: Share, _ lastSequence: UInt64) -> Int? {
        guard let counted = state.counted else { return nil }
        let since = lastSequence > counted.lastSequence ? Int(lastSequence - counted.lastSequence) : 0
        let kept =
            switch share {
            case .emitter: reserve
            case .settling: reserve - reserve / 2
            case .granted: 0
            }
        return limit - kept - counted.events - since - state.delayed - state.reserved
    }
}

extension WriteGroup {
    /// Refuses what the outbox has no room for.
    func checkRoom(for count: Int, share: Room.Share = .emitter) throws {
        if case .granted = share { return }
        if case .emitter = share, let roomLeft, roomLeft >= count {
            self.roomLeft = roomLeft - count
            return
        }
        let left = try context.room.check(
            further: count, share: share, lastSequence: try context.tables.lastSequence(database),
            isAlwaysCounted: context.live.deliveredNames == nil,
            recount: { try context.tables.countEvents(database) },
            forgetting: [{ try self.forgetDelivered() }, { try self.forgetOrphans() }])
        if case .emitter = share { roomLeft = left - count }
    }
}

extension WriteGroup {
    /// Forgets what is delivered, whenever it was emitted. Who does not deliver, or only begins to, forgets nothing.
    private func forgetDelivered() throws -> Bool {
        guard context.live.deliveredNames != nil else { return false }
        return try context.pruner.pruneAll(self) > 0
    }

    /// Forgets what waits for subscriptions that nobody delivers to.
    private func forgetOrphans() throws -> Bool {
        guard let names = context.live.deliveredNames else { return false }
        let cut = try context.tables.cutOrphans(except: names, database)
        for (name, deliveries) in cut {
            context.logger.warning(
                "the outbox is full: what waited for a subscription that nobody delivers to is forgotten",
                metadata: [LogKey.subscription: "\(name)", "deliveries": "\(deliveries)"])
        }
        return try !cut.isEmpty && context.pruner.pruneAll(self) > 0
    }
}
#endif

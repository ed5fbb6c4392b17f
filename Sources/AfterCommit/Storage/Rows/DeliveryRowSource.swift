package import Foundation

/// A database whose deliveries are rows with a state, for ``RowQueue``. One process delivers from it.
///
/// A database with synchronous calls may have synchronous functions here.
package protocol DeliveryRowSource: Sendable {
    /// Takes what must be held to deliver (a lock, a watch for commits of others), and registers the subscriptions' places.
    /// What was parked is due again where a registration says so.
    func open(_ registrations: [SubscriptionRegistration]) async throws -> [SubscriptionPlace]

    /// Gives back what ``open(_:)`` took. Never blocks.
    func close()

    /// Reads what may be handed out.
    func find(_ request: RowRequest) async throws -> RowsFound

    /// Reads, for each of the keys, blocked rows in commit order: up to `limit` beyond those in hand.
    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int
    ) async throws -> [String: [ClaimedDelivery]]

    /// Reads these rows, apart from those that are dead or gone. ``ClaimedDelivery/wasBlocked`` is set as it is stored.
    func rows(_ sequences: [UInt64], subscription: String) async throws -> [RowRead]

    /// Records outcomes and emissions in one commit. After it, and before the next one, ``LiveRows/settled(_:subscription:)``
    /// is to be told all the batch's sequences.
    func settle(_ batch: SettlementBatch) async throws -> SettlementReport
}

/// Which rows a claim asks for.
package struct RowRequest: Sendable {
    package var subscription: String
    /// Rows that are due at or before this moment may be handed out.
    package var now: Date
    /// At most so many rows of all kinds, in hand ones not counted.
    package var limit: Int
    /// Whether new rows are asked for: then at most half of the limit, at least one, goes to rows that are due, unless there
    /// is nothing new.
    package var includesNew: Bool
    /// What is in hand. New rows are those after ``RowClaims/handedOut``, and those in ``RowClaims/released``; a database in
    /// which a smaller sequence may become visible later looks for new rows that are not in hand instead.
    package var claims: RowClaims
}

/// What a claim found.
package struct RowsFound: Sendable {
    /// Rows that are due, in the order of their dates, without those in hand.
    package var due: [ClaimedDelivery] = []
    /// When the next is due that was not found.
    package var nextDue: Date?
    /// New rows, in commit order: the released ones first.
    package var new: [ClaimedDelivery] = []
    /// Whether there may be more new ones.
    package var hasMore = false
    /// Every new row up to this sequence was found, now or before.
    package var reached: UInt64 = 0
    /// Released rows that are there no more.
    package var gone: [UInt64] = []

    package init() {}
}

/// A row that was asked for by its sequence.
package struct RowRead: Sendable {
    package var delivery: ClaimedDelivery
    /// Whether it was never tried.
    package var isNew: Bool

    package init(delivery: ClaimedDelivery, isNew: Bool) {
        self.delivery = delivery
        self.isNew = isNew
    }
}

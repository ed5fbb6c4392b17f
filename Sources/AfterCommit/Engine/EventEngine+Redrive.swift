import Foundation
import Logging

extension EventEngine {
    /// Puts dead letters back: attempts start at 1 again, the idempotency key stays, the replay count grows.
    ///
    /// It is idempotent: an id that is no dead letter is skipped, and one whose letter cannot be read. So is a letter whose
    /// event is older than the storage's inbox window, because a receiver may have forgotten that it handled the event; that
    /// is logged.
    /// - Parameters:
    ///   - ids: which.
    ///   - pastInboxWindow: why letters are redriven whose event is older than the inbox window; logged. Default `nil`: they
    ///     are skipped.
    /// - Returns: the ids that were put back.
    @discardableResult
    public func redrive(_ ids: [DeliveryID], pastInboxWindow: String? = nil) async throws -> [DeliveryID] {
        if let pastInboxWindow {
            noteRedrivingPastInboxWindow(pastInboxWindow)
            return try await putBack(ids)
        }
        let now = wallClock.now()
        var old: Set<DeliveryID> = []
        for id in ids where try await storage.deadLetter(id).map({ isPastInboxWindow($0, now: now) }) ?? false {
            old.insert(id)
        }
        if !old.isEmpty {
            logger.notice(
                "dead letters past the inbox window were left dead; redrive them with a reason",
                metadata: [LogKey.count: "\(old.count)"])
        }
        return try await putBack(ids.filter { !old.contains($0) })
    }

    private func putBack(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let redriven = try await storage.redrive(ids)
        for worker in workers { worker.storageChanged() }
        return redriven
    }

    /// Puts back all dead letters that match, oldest first; those that died after it began are left.
    ///
    /// ```swift
    /// try await engine.redrive(matching: DeadLetterQuery(fingerprint: letter.fingerprint), options: .init(isDryRun: true))
    /// ```
    ///
    /// A letter whose event is older than the storage's inbox window is skipped, because a receiver may have forgotten that
    /// it handled the event; ``RedriveOptions/pastInboxWindow`` says why it is redriven all the same.
    /// - Parameters:
    ///   - query: which. Its `limit` bounds how many are put back; `asOf` defaults to now.
    ///   - options: a dry run, a rate.
    /// - Returns: how many matched, were put back and were skipped. A cancelled call leaves the rest dead.
    @discardableResult
    public func redrive(
        matching query: DeadLetterQuery, options: RedriveOptions = RedriveOptions()
    ) async throws -> RedriveReport {
        var report = RedriveReport()
        let now = wallClock.now()
        var page = query
        page.asOf = min(query.asOf ?? now, now)
        page.limit = Self.redrivePage
        var bucket = options.rate.map { TokenBucket($0, now: time.now()) }
        if let reason = options.pastInboxWindow { noteRedrivingPastInboxWindow(reason) }
        while report.matched < query.limit {
            let letters = try await storage.deadLetters(page)
            guard let last = letters.last else { break }
            page.after = last.id
            let chosen = letters.prefix(query.limit - report.matched)
            let redrivable = chosen.filter { letter in
                options.pastInboxWindow != nil || !isPastInboxWindow(letter, now: now)
            }
            report.matched += chosen.count
            report.pastInboxWindow += chosen.count - redrivable.count
            if options.isDryRun { continue }
            // At a rate one by one, otherwise a page in one commit.
            for ids in redrivable.map(\.id).chunks(of: bucket == nil ? Self.redrivePage : 1) {
                try await Self.take(from: &bucket, time)
                let redriven = try await putBack(ids).count
                report.redriven += redriven
                report.skipped += ids.count - redriven
            }
        }
        return report
    }

    private func isPastInboxWindow(_ letter: DeadLetter, now: Date) -> Bool {
        now.timeIntervalSince(letter.envelope.time) >= storage.inboxWindow.timeInterval
    }

    private func noteRedrivingPastInboxWindow(_ reason: String) {
        logger.notice(
            "dead letters past the inbox window are redriven",
            metadata: [LogKey.reason: "\(DeliveryLog.oneLine(reason))"])
    }

    private static let redrivePage = 200

    private static func take(from bucket: inout TokenBucket?, _ time: TimeSource) async throws {
        try Task.checkCancellation()
        while let next = bucket?.availability(now: time.now()) { try await time.sleep(until: next) }
        bucket?.take()
    }

    /// Deletes dead letters for good; ordering keys they blocked go on. An id that is no dead letter is skipped.
    /// - Returns: the ids that were deleted.
    @discardableResult
    public func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let deleted = try await storage.deleteDeadLetters(ids)
        for worker in workers {
            let sequences = deleted.lazy
                .filter { $0.subscription == worker.subscription.name }.map(\.sequence)
            await worker.deadLettersDeleted(Set(sequences))
        }
        return deleted
    }
}

extension EventStorage {
    /// One dead letter: the first of the page that begins with it.
    fileprivate func deadLetter(_ id: DeliveryID) async throws -> DeadLetter? {
        let before = id.sequence > 0 ? DeliveryID(subscription: id.subscription, sequence: id.sequence - 1) : nil
        let page = try await deadLetters(DeadLetterQuery(subscription: id.subscription, after: before, limit: 1))
        return page.first { $0.id == id }
    }
}

extension Array {
    fileprivate func chunks(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}

/// How dead letters are redriven.
public struct RedriveOptions: Sendable, Hashable {
    /// Only counts. Default false.
    public var isDryRun: Bool
    /// How many are put back in a time. Default `nil`: as fast as the storage takes them.
    public var rate: RateLimit?
    /// Why letters are redriven whose event is older than the inbox window; logged. Default `nil`: they are skipped.
    public var pastInboxWindow: String?

    public init(isDryRun: Bool = false, rate: RateLimit? = nil, pastInboxWindow: String? = nil) {
        self.isDryRun = isDryRun
        self.rate = rate
        self.pastInboxWindow = pastInboxWindow
    }
}

/// What came of a redrive.
public struct RedriveReport: Sendable, Hashable {
    /// How many dead letters matched.
    public var matched = 0
    public var redriven = 0
    /// No dead letters any more when their turn came: somebody else was quicker.
    public var skipped = 0
    /// Left dead because their event is older than the inbox window.
    public var pastInboxWindow = 0

    public init() {}
}

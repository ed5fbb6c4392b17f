package import Foundation

/// What a worker decides about claiming, settling and sleeping. A pure value: the worker carries it out.
package struct WorkerState: Sendable {
    private var maxInFlight: Int
    private let maxBlocked: Int
    /// Claimed, and neither settled nor released.
    package private(set) var inFlight = 0
    /// When the next retrying delivery is due, as the last claim told.
    package private(set) var nextDue: Date?
    /// Something was committed since the last claim: new events, or redriven dead letters.
    private var hasStorageChanged = true
    /// The last claim left new events behind.
    private var storageHasMore = false
    private var settleFailures = 0
    private var claimFailures = 0
    private var settleNotBefore: Duration?
    private var claimNotBefore: Duration?
    /// How often something was claimed.
    package private(set) var claimCount = 0

    package init(maxInFlight: Int, maxBlocked: Int) {
        self.maxInFlight = maxInFlight
        self.maxBlocked = maxBlocked
    }

    /// Raises the bound of what is in flight.
    package mutating func admit(atLeast count: Int) {
        maxInFlight = max(maxInFlight, count)
    }

    // MARK: Claiming

    package mutating func storageChanged() {
        hasStorageChanged = true
    }

    /// How many deliveries to claim now, or `nil` for none.
    package func claimLimit(
        now: Duration, date: Date, queue: LaneQueue.Standing, blocked: Int
    ) -> Int? {
        // When a gate's time has come, another delivery may take the probe's turn.
        let gateIsShut = queue.gate.map { gate in gate.until.map { $0 > now } ?? true } ?? false
        guard !gateIsShut, !isPaused(claimNotBefore, now: now) else { return nil }
        guard hasClaimable(date: date, blocked: blocked) else { return nil }
        guard queue.ready < max(1, maxInFlight / 4), inFlight < maxInFlight else { return nil }
        return maxInFlight - inFlight
    }

    /// Whether deliveries that were never claimed may be: not while too many wait behind their keys.
    package func includesNew(blocked: Int) -> Bool {
        blocked < maxBlocked
    }

    package mutating func claimed(_ batch: ClaimedBatch) {
        claimFailures = 0
        claimNotBefore = nil
        nextDue = batch.nextDue
        hasStorageChanged = false
        storageHasMore = batch.hasMore
        took(batch.deliveries.count)
    }

    package mutating func claimedBlocked(_ count: Int) {
        claimFailures = 0
        claimNotBefore = nil
        took(count)
    }

    private mutating func took(_ count: Int) {
        inFlight += count
        if count > 0 { claimCount += 1 }
    }

    /// Not for a while after a failure.
    package func mayClaim(now: Duration) -> Bool {
        !isPaused(claimNotBefore, now: now)
    }

    package mutating func claimFailed(now: Duration) {
        claimFailures += 1
        claimNotBefore = now + Self.pause(afterFailures: claimFailures)
    }

    private func hasClaimable(date: Date, blocked: Int) -> Bool {
        if let nextDue, nextDue <= date { return true }
        return hasStorageChanged || (storageHasMore && includesNew(blocked: blocked))
    }

    private func isPaused(_ notBefore: Duration?, now: Duration) -> Bool {
        notBefore.map { $0 > now } ?? false
    }

    // MARK: Settling

    package func maySettle(now: Duration) -> Bool {
        !isPaused(settleNotBefore, now: now)
    }

    /// - Parameter retrying: the earliest due date among those settled as retrying.
    package mutating func settled(_ count: Int, retrying: Date?) {
        settleFailures = 0
        settleNotBefore = nil
        inFlight -= count
        if let retrying { nextDue = min(nextDue ?? retrying, retrying) }
    }

    package mutating func settleFailed(now: Duration) {
        settleFailures += 1
        settleNotBefore = now + Self.pause(afterFailures: settleFailures)
    }

    package mutating func released(_ count: Int) {
        inFlight -= count
    }

    /// 0.1 s, doubled each time, at most 5 s.
    static func pause(afterFailures failures: Int) -> Duration {
        min(.seconds(5), .milliseconds(100) * (1 << min(failures - 1, 10)))
    }

    // MARK: Sleeping

    /// The longest sleep towards a due date, because the wall clock may jump.
    package static let longestSleep = Duration.seconds(60)

    /// When to look again although nothing was signalled, or `nil` for never.
    package func wakeUp(now: Duration, date: Date, queue: LaneQueue.Standing) -> Duration? {
        var candidates: [Duration] = []
        // A date that has come already was looked at; only an attempt's end can help then, and that is signalled.
        if queue.gate == nil, let nextDue, nextDue > date {
            // A date may be absurd; and rounded up, so that it has come when we look.
            let remaining = min(nextDue.timeIntervalSince(date), Self.longestSleep.timeInterval)
            candidates.append(now + .milliseconds(Int((remaining * 1000).rounded(.up))))
        }
        if let until = queue.gate?.until { candidates.append(until) }
        if let companyUntil = queue.companyUntil { candidates.append(companyUntil) }
        if let nextDeadline = queue.nextDeadline { candidates.append(nextDeadline) }
        if let settleNotBefore { candidates.append(settleNotBefore) }
        if let claimNotBefore { candidates.append(claimNotBefore) }
        return candidates.filter { $0 > now }.min()
    }

    /// Whether nothing can go on before time passes or something new comes.
    package func isIdle(
        now: Duration, date: Date, queue: LaneQueue.Standing, unsettled: Int, blocked: Int
    ) -> Bool {
        guard queue.running == 0, queue.unharvested == 0 else { return false }
        guard unsettled == 0 || isPaused(settleNotBefore, now: now) else { return false }
        if queue.gate != nil || isPaused(claimNotBefore, now: now) { return true }
        let hasWork = queue.ready > 0 && queue.companyUntil == nil
        return !hasWork && (inFlight >= maxInFlight || !hasClaimable(date: date, blocked: blocked))
    }

    /// Whether nothing is left that time alone would bring back. What is paused is not: only a person brings it back.
    package func isDrained(
        now: Duration, date: Date, queue: LaneQueue.Standing, unsettled: Int, blocked: Int
    ) -> Bool {
        guard isIdle(now: now, date: date, queue: queue, unsettled: unsettled, blocked: blocked) else { return false }
        if queue.gate?.reason == .paused { return unsettled == 0 }
        return !isPaused(claimNotBefore, now: now) && inFlight == 0 && nextDue == nil
    }
}

import Foundation
import Logging
import Synchronization

/// Publishes delayed events when their moment has come, for as long as its engine runs.
actor DelayedPublisher {
    private let storage: any EventStorage
    private let time: TimeSource
    private let wallClock: any WallClock
    private let logger: Logger
    private nonisolated let signal = WakeSignal()
    private nonisolated let hasChanged = Atomic(true)
    private nonisolated let isStopping = Atomic(false)
    private let timer: WakeTimer
    private var nextDue: Date?
    private var failures = 0
    /// Grows with each look at the storage that found something due.
    private var publications = 0
    private var waiters: [UInt64: (untilEmpty: Bool, continuation: CheckedContinuation<Int, Never>)] = [:]
    private var lastWaiterID: UInt64 = 0
    private var hasEnded = false

    init(storage: any EventStorage, time: TimeSource, wallClock: any WallClock, logger: Logger) {
        self.storage = storage
        self.time = time
        self.wallClock = wallClock
        self.logger = logger
        timer = WakeTimer(time: time, signal: signal)
    }

    /// A delayed event was stored.
    nonisolated func storageChanged() {
        hasChanged.store(true, ordering: .sequentiallyConsistent)
        signal.notify()
    }

    /// Before each ``run()``.
    nonisolated func begin() {
        isStopping.store(false, ordering: .sequentiallyConsistent)
        hasChanged.store(true, ordering: .sequentiallyConsistent)
    }

    nonisolated func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        signal.notify()
    }

    /// Waits until all that is due is published, or until none is left at all.
    /// - Returns: a number that grows with each publication.
    func settle(untilEmpty: Bool) async throws -> Int {
        if hasEnded { return publications }
        lastWaiterID += 1
        let id = lastWaiterID
        let publications = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: 0)
                } else {
                    waiters[id] = (untilEmpty, continuation)
                    // The date may have moved.
                    storageChanged()
                }
            }
        } onCancel: {
            Task { await self.giveUpWaiting(id) }
        }
        try Task.checkCancellation()
        return publications
    }

    private func giveUpWaiting(_ id: UInt64) {
        waiters.removeValue(forKey: id)?.continuation.resume(returning: 0)
    }

    /// Publishes until ``stop()``.
    func run() async {
        hasEnded = false
        var pausedUntil: Duration?
        while !isStopping.load(ordering: .sequentiallyConsistent) {
            signal.consume()
            let now = time.now()
            let date = wallClock.now()
            let changed = hasChanged.exchange(false, ordering: .sequentiallyConsistent)
            let isDue = nextDue.map { $0 <= date } ?? false
            if let until = pausedUntil, until > now {
                if changed { hasChanged.store(true, ordering: .sequentiallyConsistent) }
                resumeWaiters()
                _ = timer.arm(at: until, now: now)
                await signal.wait()
                continue
            }
            if changed || isDue {
                pausedUntil = await publish(date, now: now)
                continue
            }
            resumeWaiters()
            if let nextDue {
                let remaining = min(nextDue.timeIntervalSince(date), WorkerState.longestSleep.timeInterval)
                _ = timer.arm(at: now + .milliseconds(Int((remaining * 1000).rounded(.up))), now: now)
            }
            await signal.wait()
        }
        timer.cancel()
        hasEnded = true
        for waiter in waiters.values { waiter.continuation.resume(returning: publications) }
        waiters = [:]
    }

    /// - Returns: when to try again after a failure.
    private func publish(_ date: Date, now: Duration) async -> Duration? {
        do {
            let before = nextDue
            nextDue = try await storage.publishDelayed(dueBy: date)
            if before != nextDue || (before.map { $0 <= date } ?? false) { publications += 1 }
            failures = 0
            return nil
        } catch {
            failures += 1
            hasChanged.store(true, ordering: .sequentiallyConsistent)
            logger.error(
                "delayed events could not be published, it will be tried again",
                metadata: [LogKey.error: "\(DeliveryLog.oneLine("\(error)"))"])
            return now + WorkerState.pause(afterFailures: failures)
        }
    }

    private func resumeWaiters() {
        for (id, waiter) in waiters where !waiter.untilEmpty || nextDue == nil {
            waiters[id] = nil
            waiter.continuation.resume(returning: publications)
        }
    }
}

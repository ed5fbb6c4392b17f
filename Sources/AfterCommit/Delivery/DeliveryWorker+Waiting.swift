import Foundation
import Synchronization

/// How the worker waits, and those who wait for it.
extension DeliveryWorker {
    func armTimer(now: Duration, date: Date) {
        var wakeUp = state.wakeUp(now: now, date: date, queue: queue.standing())
        if let suspectNotBefore, suspectNotBefore > now { wakeUp = min(wakeUp ?? suspectNotBefore, suspectNotBefore) }
        if let stopsAt { wakeUp = min(wakeUp ?? stopsAt, stopsAt) }
        guard let wakeUp else { return }
        let armed = timer.arm(at: wakeUp, now: now)
        if armed != watchedUntil {
            watchedUntil = armed
            queue.watch(until: armed)
        }
    }

    func resumeWaiters() {
        guard !waiters.isEmpty else { return }
        let standing = queue.standing()
        let now = time.now()
        let date = wallClock.now()
        let isQuiet =
            keysToClaim.isEmpty && exhaustionTasks.isEmpty && !trial.isActive && !mustLookAtDeadLetters
            && !hasStorageChanged.load(ordering: .sequentiallyConsistent)
        for (id, waiter) in waiters {
            let isMet =
                switch waiter.condition {
                case .idle:
                    isQuiet
                        && state.isIdle(
                            now: now, date: date, queue: standing, unsettled: unsettled.count,
                            blocked: blockedForClaims)
                case .drained:
                    isQuiet
                        && state.isDrained(
                            now: now, date: date, queue: standing, unsettled: unsettled.count,
                            blocked: blockedForClaims)
                }
            if isMet || hasEnded {
                waiters[id] = nil
                waiter.continuation.resume(returning: hasEnded ? nil : activity)
            }
        }
    }
}

/// Wakes all that an engine runs.
final class WakeUps: Sendable {
    private struct Sleepers {
        var workers: [DeliveryWorker] = []
        var delayed: DelayedPublisher?
    }

    private let sleepers = Locked(Sleepers())

    func set(_ workers: [DeliveryWorker], delayed: DelayedPublisher?) {
        sleepers.withLock { $0 = Sleepers(workers: workers, delayed: delayed) }
    }

    func wake(_ change: StorageChange) {
        let sleepers = sleepers.withLock { $0 }
        if change.contains(.deadLetters) {
            for worker in sleepers.workers { worker.deadLettersChanged() }
        }
        if change.contains(.leasesLost) {
            for worker in sleepers.workers { worker.leasesLost() }
        }
        if change.contains(.claimable) {
            for worker in sleepers.workers { worker.storageChanged() }
        }
        if change.contains(.delayed) { sleepers.delayed?.storageChanged() }
    }
}

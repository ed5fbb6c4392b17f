import DequeModule
import Foundation

/// Events that wait for their moment.
extension MemoryQueue {
    mutating func publishDelayed(dueBy now: Date) -> (nextDue: Date?, published: Bool) {
        let due = delayed.takeDue(by: now)
        log.append(contentsOf: due)
        if attached.isEmpty { floor = tail }
        return (delayed.nextDue(), !due.isEmpty)
    }

    func delayedEvents(after position: DelayedEvent.Position?, limit: Int) -> [DelayedEvent] {
        delayed.list(after: position, limit: limit)
    }

    mutating func cancelDelayed(_ ids: [EventID]) -> [EventID] {
        ids.filter { delayed.remove($0) }
    }
}

import Foundation
import HeapModule

/// The delayed events of an in-memory storage, the earliest first.
struct MemoryDelayed {
    private struct Entry: Comparable {
        let deliverAt: Date
        let id: EventID

        static func < (a: Self, b: Self) -> Bool { (a.deliverAt, a.id) < (b.deliverAt, b.id) }
    }

    private var order = Heap<Entry>()
    private var events: [EventID: (box: EnvelopeBox, deliverAt: Date)] = [:]

    var count: Int { events.count }

    mutating func insert(_ box: EnvelopeBox, deliverAt: Date) {
        events[box.envelope.id] = (box, deliverAt)
        order.insert(Entry(deliverAt: deliverAt, id: box.envelope.id))
    }

    /// Takes those whose moment has come.
    mutating func takeDue(by now: Date) -> [EnvelopeBox] {
        var due: [EnvelopeBox] = []
        while let next = nextDue(), next <= now, let first = order.popMin() {
            if let event = events.removeValue(forKey: first.id) { due.append(event.box) }
        }
        return due
    }

    /// When the next is due.
    mutating func nextDue() -> Date? {
        while let first = order.min {
            if events[first.id]?.deliverAt == first.deliverAt { return first.deliverAt }
            // One that was cancelled leaves its entry behind.
            order.removeMin()
        }
        return nil
    }

    mutating func remove(_ id: EventID) -> Bool {
        events.removeValue(forKey: id) != nil
    }

    func list(after position: DelayedEvent.Position?, limit: Int) -> [DelayedEvent] {
        events.values.lazy.map { DelayedEvent(envelope: $0.box.envelope, deliverAt: $0.deliverAt) }
            .filter { event in position.map { event.position > $0 } ?? true }
            .sorted { $0.position < $1.position }
            .prefix(max(0, limit)).map { $0 }
    }
}

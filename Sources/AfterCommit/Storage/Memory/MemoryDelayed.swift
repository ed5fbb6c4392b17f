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

    func list(after id: EventID?, limit: Int) -> [DelayedEvent] {
        let sorted = events.values.sorted { ($0.deliverAt, $0.box.envelope.id) < ($1.deliverAt, $1.box.envelope.id) }
        let start = id.flatMap { id in sorted.firstIndex { $0.box.envelope.id == id } }.map { $0 + 1 } ?? 0
        return sorted[start...].prefix(max(0, limit))
            .map { DelayedEvent(envelope: $0.box.envelope, deliverAt: $0.deliverAt) }
    }
}

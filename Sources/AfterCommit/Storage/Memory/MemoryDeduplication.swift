import DequeModule
import Foundation

/// The deduplication keys that an in-memory storage remembers.
struct MemoryDeduplication {
    private var records: [String: DeduplicationRecord] = [:]
    private var order: Deque<(key: String, emittedAt: Date)> = []

    /// The id of the event that the key stands for.
    func firstID(for deduplication: Emission.Deduplication, now: Date) throws(EmitError) -> EventID? {
        try records[deduplication.key]?.firstID(for: deduplication, now: now)
    }

    func record(_ key: String) -> DeduplicationRecord? { records[key] }

    mutating func insert(_ deduplication: Emission.Deduplication, id: EventID, now: Date) {
        forgetExpired(now)
        records[deduplication.key] = DeduplicationRecord(
            id: id, fingerprint: deduplication.fingerprint, emittedAt: now)
        order.append((deduplication.key, now))
    }

    /// A few at a time, so that no emit pays for many.
    private mutating func forgetExpired(_ now: Date) {
        for _ in 0..<4 {
            guard let oldest = order.first,
                now.timeIntervalSince(oldest.emittedAt) >= DeduplicationRecord.window.timeInterval
            else { return }
            order.removeFirst()
            if records[oldest.key]?.emittedAt == oldest.emittedAt { records[oldest.key] = nil }
        }
    }
}

package import Foundation

/// Sorts events that came from elsewhere into those that are new, those that are known, and those that cannot be stored.
/// Pure: what is stored is asked for through a closure.
package struct ReceivedEvents {
    /// What is to be stored, in order.
    package private(set) var fresh: [Emission] = []
    package private(set) var report = ReceiveReport()

    /// - Parameters:
    ///   - emissions: in the order of their coming; the first of several with one key is the new one.
    ///   - record: what the storage remembers of a deduplication key.
    package init(
        _ emissions: [Emission], now: Date, record: (String) throws -> DeduplicationRecord?
    ) rethrows {
        var seen: [String: DeduplicationRecord] = [:]
        for (position, emission) in emissions.enumerated() {
            guard let key = emission.deduplication else {
                fresh.append(emission)
                continue
            }
            let known = if let earlier = seen[key.key] { earlier } else { try record(key.key) }
            do throws(EmitError) {
                if try known?.firstID(for: key, now: now) != nil {
                    report.duplicates.append(position)
                    continue
                }
            } catch {
                report.refused[position] = error
                continue
            }
            seen[key.key] = DeduplicationRecord(
                id: emission.envelope.id, fingerprint: key.fingerprint, emittedAt: now)
            fresh.append(emission)
        }
    }
}

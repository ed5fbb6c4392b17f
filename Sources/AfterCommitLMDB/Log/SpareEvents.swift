#if LMDB
import AfterCommit

/// Keeps the memory of one transaction's events for the next: a thousand events need half a megabyte, which the system
/// would hand out, filled with zeros, page by page each time.
final class SpareEvents: Sendable {
    /// More is given back to the system.
    private static let maxBytes = 1 << 20

    private let spare = Locked<EncodedEvents?>(nil)

    /// - Parameter contentType: see ``EncodedEvents/init(for:contentType:capacity:)``; the same for all of a store.
    func take(for envelopes: EnvelopeFactory, contentType: String? = nil) -> EncodedEvents {
        spare.withLock { $0.take() } ?? EncodedEvents(for: envelopes, contentType: contentType)
    }

    func giveBack(_ events: consuming EncodedEvents) {
        guard events.capacity <= Self.maxBytes else { return }
        events.truncate(to: 0)
        var kept: EncodedEvents? = events
        spare.withLock { swap(&$0, &kept) }
    }
}
#endif

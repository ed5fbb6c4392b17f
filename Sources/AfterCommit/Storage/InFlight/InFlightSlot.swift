/// One noted delivery, in two words: its sequence, then everything else. The second word is written last and cleared first,
/// so that a process that dies between the two leaves a free slot.
struct InFlightSlot: Hashable {
    enum Kind: UInt8 {
        case free = 0
        /// Being tried, beside others.
        case running = 1
        /// Was being tried when a process died; not tried since.
        case suspect = 2
        /// A suspect that is being tried with nothing beside it.
        case alone = 3
    }

    static let bytes = 16

    var subscription: UInt32 = 0
    var sequence: UInt64 = 0
    /// How often a process died while it was alone.
    var deaths: UInt8 = 0
    var kind = Kind.free

    /// The second word.
    var state: UInt64 {
        UInt64(subscription) << 32 | UInt64(deaths) << 8 | UInt64(kind.rawValue)
    }
}

extension InFlightSlot {
    /// `nil` for words that no process of ours writes.
    init?(sequence: UInt64, state: UInt64) {
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: state)), state >> 16 & 0xFFFF == 0 else { return nil }
        self.init(
            subscription: UInt32(truncatingIfNeeded: state >> 32), sequence: sequence,
            deaths: UInt8(truncatingIfNeeded: state >> 8), kind: kind)
        // A free slot says nothing else.
        guard kind != .free || state == 0 else { return nil }
    }

    /// What it means once its process is gone: only a death while alone counts.
    var suspect: InFlightFile.Suspect? {
        switch kind {
        case .free: nil
        case .running, .suspect:
            InFlightFile.Suspect(subscription: subscription, sequence: sequence, deaths: deaths)
        case .alone:
            InFlightFile.Suspect(
                subscription: subscription, sequence: sequence, deaths: deaths == .max ? .max : deaths + 1)
        }
    }
}

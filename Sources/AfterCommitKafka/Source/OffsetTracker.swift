#if Kafka
/// What of one partition is out, in the order of its offsets, and up to where all of it is settled.
struct OffsetTracker<Message: Sendable>: Sendable {
    private struct Entry: Sendable {
        let offset: Int64
        /// `nil` once it is settled.
        var message: Message?
    }

    private var entries: [Entry] = []
    /// Where the entries begin: those before it are gone.
    private var first = 0
    /// The offset that was given out last.
    private(set) var last: Int64?
    /// How many messages are out and not settled.
    private(set) var outstanding = 0

    /// How many are remembered: all from the first on that is not settled. Those that are settled keep no message.
    var kept: Int { entries.count - first }

    /// Notes that a message was given out.
    /// - Parameter offset: higher than ``last``.
    mutating func give(_ offset: Int64, _ message: Message) {
        entries.append(Entry(offset: offset, message: message))
        last = offset
        outstanding += 1
    }

    /// Forgets what was given out from an offset on, which comes once more.
    /// - Returns: how many of them were not settled.
    mutating func forget(from offset: Int64) -> Int {
        let place = firstIndex(from: offset)
        let unsettled = entries[place...].count { $0.message != nil }
        outstanding -= unsettled
        entries.removeSubrange(place...)
        if place == first { entries.removeAll() }
        if entries.isEmpty { first = 0 }
        last = entries.last?.offset
        return unsettled
    }

    /// A message that is out and not settled.
    subscript(offset: Int64) -> Message? {
        get { index(of: offset).flatMap { entries[$0].message } }
        set {
            guard let newValue, let index = index(of: offset), entries[index].message != nil else { return }
            entries[index].message = newValue
        }
    }

    /// Settles a message; what is not out, or was settled before, is left out.
    /// - Returns: the offset to go on with, where this settled the first that was out: all before it is settled.
    mutating func settle(_ offset: Int64) -> Int64? {
        guard let index = index(of: offset), entries[index].message != nil else { return nil }
        entries[index].message = nil
        outstanding -= 1
        guard index == first else { return nil }
        while first < entries.count, entries[first].message == nil { first += 1 }
        // Gaps between offsets, of compaction and transactions, belong to what comes before them.
        let next = first < entries.count ? entries[first].offset : entries[first - 1].offset + 1
        if first == entries.count || first > 1024 && first > entries.count / 2 {
            entries.removeFirst(first)
            first = 0
        }
        return next
    }

    private func index(of offset: Int64) -> Int? {
        let index = firstIndex(from: offset)
        return index < entries.count && entries[index].offset == offset ? index : nil
    }

    /// By halves: offsets ascend.
    private func firstIndex(from offset: Int64) -> Int {
        var (low, high) = (first, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
#endif

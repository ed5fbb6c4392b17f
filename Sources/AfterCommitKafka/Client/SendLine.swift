#if Kafka
/// What waits until the client has room for it, in the order of its coming.
struct SendLine {
    private struct Entry {
        let batch: UInt32
        let records: [KafkaRecord]
        var index = 0
    }

    private var entries: [Entry] = []
    /// Where the line begins: those before it are gone.
    private var first = 0

    var isEmpty: Bool { first == entries.count }

    mutating func append(_ batch: UInt32, _ records: [KafkaRecord]) {
        entries.append(Entry(batch: batch, records: records))
    }

    /// The one that is first.
    var next: (batch: UInt32, index: Int, record: KafkaRecord)? {
        guard first < entries.count else { return nil }
        let entry = entries[first]
        return (entry.batch, entry.index, entry.records[entry.index])
    }

    /// Takes the first one out.
    mutating func advance() {
        entries[first].index += 1
        guard entries[first].index == entries[first].records.count else { return }
        first += 1
        if first == entries.count || first > 64 { compact() }
    }

    mutating func remove(_ batch: UInt32) {
        compact()
        entries.removeAll { $0.batch == batch }
    }

    /// - Returns: the batches that were in it.
    mutating func removeAll() -> [UInt32] {
        compact()
        defer { entries = [] }
        return entries.map(\.batch)
    }

    /// Those that are gone keep their messages no longer.
    private mutating func compact() {
        entries.removeFirst(first)
        first = 0
    }
}
#endif

#if Kafka
import AfterCommit

/// A partition of a topic.
struct TopicPartition: Hashable, Sendable {
    var topic: String
    var partition: Int32
}

/// A message that is given out. Whoever asked for it makes of it what it asked for.
struct GivenMessage: Sendable {
    let receipt: IncomingMessage.Receipt
    let message: ReceivedMessage
}

/// The partitions that the group gave to this consumer, and what of them is out.
///
/// Each time a partition is given it gets a new number, which is the channel of its messages' receipts: what belongs to an
/// assignment that has ended has a number that nobody knows any more. So it is where offsets begin again, as after the loss of a
/// partition's newest messages: what was out from there on means nothing any more, and what was out before it counts on.
struct Assignment: Sendable {
    struct Partition: Sendable {
        let place: TopicPartition
        /// Of the receipts of what is given out next.
        var channel: UInt64
        var tracker = OffsetTracker<Held>()
        /// Whether no more of it is asked for, as too much is kept of it.
        var isPaused = false
        /// Whether its offsets began again. It is never paused then: newer clients go on after a pause with the highest offset
        /// that they ever gave out, and would leave out what is below it.
        var wasSetBack = false
    }

    struct Held: Sendable {
        let channel: UInt64
        var message: ReceivedMessage
    }

    private struct Returned: Sendable {
        let receipt: IncomingMessage.Receipt
        /// `nil` for at once.
        let notBefore: Duration?
    }

    /// By the first channel that each had.
    private(set) var partitions: [UInt64: Partition] = [:]
    private var channels: [TopicPartition: UInt64] = [:]
    /// The first channels of those whose offsets began again, by their later ones.
    private var firstChannels: [UInt64: UInt64] = [:]
    private var lastChannel: UInt64 = 0
    /// What was returned, and is given out again before anything else.
    private var returned: [Returned] = []
    /// How many messages are out. What was returned counts on: it is still in memory.
    private(set) var outstanding = 0

    mutating func assign(_ place: TopicPartition) {
        revoke(place)
        lastChannel += 1
        channels[place] = lastChannel
        partitions[lastChannel] = Partition(place: place, channel: lastChannel)
    }

    mutating func revoke(_ place: TopicPartition) {
        guard let channel = channels.removeValue(forKey: place) else { return }
        outstanding -= partitions.removeValue(forKey: channel)?.tracker.outstanding ?? 0
        if !firstChannels.isEmpty { firstChannels = firstChannels.filter { $0.value != channel } }
        forgetReturned()
    }

    /// Forgets what was returned and is not out any more.
    private mutating func forgetReturned() {
        guard !returned.isEmpty else { return }
        returned = returned.filter { self[$0.receipt] != nil }
    }

    mutating func revokeAll() {
        for place in Array(channels.keys) { revoke(place) }
    }

    /// The first channel of a partition; `nil` for one that is not assigned.
    func channel(of place: TopicPartition) -> UInt64? { channels[place] }

    /// Notes that a message is given out.
    /// - Parameter channel: the first of its partition.
    /// - Returns: its receipt; `nil` where its partition is not assigned any more.
    mutating func give(_ message: ReceivedMessage, offset: Int64, channel: UInt64) -> IncomingMessage.Receipt? {
        guard let index = partitions.index(forKey: channel) else { return nil }
        if let last = partitions.values[index].tracker.last, offset <= last { setBack(channel, to: offset) }
        let channel = partitions.values[index].channel
        partitions.values[index].tracker.give(offset, Held(channel: channel, message: message))
        outstanding += 1
        return IncomingMessage.Receipt(channel: channel, tag: UInt64(bitPattern: offset))
    }

    private mutating func setBack(_ channel: UInt64, to offset: Int64) {
        guard let index = partitions.index(forKey: channel) else { return }
        lastChannel += 1
        firstChannels[lastChannel] = channel
        partitions.values[index].channel = lastChannel
        partitions.values[index].wasSetBack = true
        outstanding -= partitions.values[index].tracker.forget(from: offset)
        forgetReturned()
    }

    /// The partition of a message that is out.
    private func partition(of receipt: IncomingMessage.Receipt) -> Dictionary<UInt64, Partition>.Index? {
        let index =
            partitions.index(forKey: receipt.channel)
            ?? firstChannels[receipt.channel].flatMap { partitions.index(forKey: $0) }
        guard let index, partitions.values[index].tracker[Int64(bitPattern: receipt.tag)]?.channel == receipt.channel
        else { return nil }
        return index
    }

    /// A message that is out.
    subscript(receipt: IncomingMessage.Receipt) -> (place: TopicPartition, message: ReceivedMessage)? {
        guard let index = partition(of: receipt),
            let held = partitions.values[index].tracker[Int64(bitPattern: receipt.tag)]
        else { return nil }
        return (partitions.values[index].place, held.message)
    }

    /// Settles a message.
    /// - Returns: where its partition goes on, if this moved it.
    mutating func settle(_ receipt: IncomingMessage.Receipt) -> (place: TopicPartition, offset: Int64)? {
        guard let index = partition(of: receipt) else { return nil }
        let before = partitions.values[index].tracker.outstanding
        let offset = partitions.values[index].tracker.settle(Int64(bitPattern: receipt.tag))
        outstanding -= before - partitions.values[index].tracker.outstanding
        return offset.map { (partitions.values[index].place, $0) }
    }
}

extension Assignment {
    /// Puts a message back, to be given out again.
    /// - Parameter notBefore: when, at the earliest; `nil` for at once.
    mutating func giveBack(_ receipt: IncomingMessage.Receipt, notBefore: Duration? = nil) {
        guard self[receipt] != nil, !returned.contains(where: { $0.receipt == receipt }) else { return }
        returned.append(Returned(receipt: receipt, notBefore: notBefore))
    }

    /// What was returned and is due, in the order of its offsets.
    mutating func takeReturned(upTo limit: Int, now: Duration) -> [GivenMessage] {
        guard !returned.isEmpty else { return [] }
        let due = returned.filter { $0.notBefore.map { $0 <= now } ?? true }.map(\.receipt)
            .sorted { ($0.channel, $0.tag) < ($1.channel, $1.tag) }.prefix(limit)
        guard !due.isEmpty else { return [] }
        let taken = Set(due)
        returned.removeAll { taken.contains($0.receipt) }
        return due.compactMap { receipt in
            let offset = Int64(bitPattern: receipt.tag)
            guard let index = partition(of: receipt), var held = partitions.values[index].tracker[offset] else {
                return nil
            }
            held.message.redeliveries += 1
            partitions.values[index].tracker[offset] = held
            return GivenMessage(receipt: receipt, message: held.message)
        }
    }

    /// When the next of what is not due yet will be; `nil` where there is none.
    func nextReturn(after now: Duration) -> Duration? {
        returned.lazy.compactMap(\.notBefore).filter { $0 > now }.min()
    }

    /// Which partitions go no further for now, and which go on.
    ///
    /// Behind a message that nobody settles everything settled is remembered, as offsets are stored in their order: without a
    /// bound it would grow for as long as that lasts.
    /// - Parameter bound: how many messages of a partition may be kept from the first that is not settled on.
    mutating func controlFlow(bound: Int) -> (paused: [TopicPartition], resumed: [TopicPartition]) {
        var (paused, resumed): ([TopicPartition], [TopicPartition]) = ([], [])
        for index in partitions.values.indices {
            let partition = partitions.values[index]
            // It goes on well below, so that it does not stop and go with each message.
            let isToChange =
                partition.isPaused
                ? partition.tracker.kept <= bound / 2 : partition.tracker.kept > bound && !partition.wasSetBack
            guard isToChange else { continue }
            partitions.values[index].isPaused.toggle()
            if partition.isPaused { resumed.append(partition.place) } else { paused.append(partition.place) }
        }
        return (paused, resumed)
    }

    /// Those of some partitions that go no further.
    func paused(of places: [TopicPartition]) -> [TopicPartition] {
        places.filter { place in channels[place].flatMap { partitions[$0]?.isPaused } ?? false }
    }

    /// All that are assigned.
    var places: [TopicPartition] { Array(channels.keys) }
}
#endif

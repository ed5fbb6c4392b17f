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
/// assignment that has ended has a number that nobody knows any more.
struct Assignment: Sendable {
    struct Partition: Sendable {
        let place: TopicPartition
        var tracker = OffsetTracker<ReceivedMessage>()
        /// Whether no more of it is asked for, as too much is kept of it.
        var isPaused = false
        /// Whether its offsets began again. It is never paused then: newer clients go on after a pause with the highest offset
        /// that they ever gave out, and would leave out what is below it.
        var wasSetBack = false
    }

    private struct Returned: Sendable {
        let receipt: IncomingMessage.Receipt
        /// `nil` for at once.
        let notBefore: Duration?
    }

    private(set) var partitions: [UInt64: Partition] = [:]
    private var channels: [TopicPartition: UInt64] = [:]
    private var lastChannel: UInt64 = 0
    /// What was returned, and is given out again before anything else.
    private var returned: [Returned] = []
    /// How many messages are out. What was returned counts on: it is still in memory.
    private(set) var outstanding = 0

    mutating func assign(_ place: TopicPartition) {
        assign(Partition(place: place))
    }

    private mutating func assign(_ partition: Partition) {
        revoke(partition.place)
        lastChannel += 1
        channels[partition.place] = lastChannel
        partitions[lastChannel] = partition
    }

    mutating func revoke(_ place: TopicPartition) {
        guard let channel = channels.removeValue(forKey: place) else { return }
        outstanding -= partitions.removeValue(forKey: channel)?.tracker.outstanding ?? 0
        returned.removeAll { $0.receipt.channel == channel }
    }

    mutating func revokeAll() {
        for place in Array(channels.keys) { revoke(place) }
    }

    /// The channel of a partition; `nil` for one that is not assigned.
    func channel(of place: TopicPartition) -> UInt64? { channels[place] }

    /// Notes that a message is given out.
    /// - Returns: its receipt; `nil` where its partition is not assigned any more.
    mutating func give(_ message: ReceivedMessage, offset: Int64, channel: UInt64) -> IncomingMessage.Receipt? {
        guard var channelOfNow = partitions[channel] == nil ? nil : channel else { return nil }
        if let partition = partitions[channel], let last = partition.tracker.last, offset <= last {
            // The partition was set back, as after the loss of its newest messages: offsets mean other messages now.
            assign(Partition(place: partition.place, isPaused: partition.isPaused, wasSetBack: true))
            channelOfNow = lastChannel
        }
        let receipt = IncomingMessage.Receipt(channel: channelOfNow, tag: UInt64(bitPattern: offset))
        partitions[channelOfNow]?.tracker.give(offset, message)
        outstanding += 1
        return receipt
    }

    /// A message that is out.
    subscript(receipt: IncomingMessage.Receipt) -> (place: TopicPartition, message: ReceivedMessage)? {
        guard let partition = partitions[receipt.channel],
            let message = partition.tracker[Int64(bitPattern: receipt.tag)]
        else { return nil }
        return (partition.place, message)
    }

    /// Settles a message.
    /// - Returns: where its partition goes on, if this moved it.
    mutating func settle(_ receipt: IncomingMessage.Receipt) -> (place: TopicPartition, offset: Int64)? {
        guard let index = partitions.index(forKey: receipt.channel) else { return nil }
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
            guard var message = partitions[receipt.channel]?.tracker[offset] else { return nil }
            message.redeliveries += 1
            partitions[receipt.channel]?.tracker[offset] = message
            return GivenMessage(receipt: receipt, message: message)
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

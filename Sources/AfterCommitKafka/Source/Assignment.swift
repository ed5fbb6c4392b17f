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
    }

    private(set) var partitions: [UInt64: Partition] = [:]
    private var channels: [TopicPartition: UInt64] = [:]
    private var lastChannel: UInt64 = 0
    /// What was returned, and is given out again before anything else.
    private var returned: [IncomingMessage.Receipt] = []
    /// How many messages are out. What was returned counts on: it is still in memory.
    private(set) var outstanding = 0

    var hasReturned: Bool { !returned.isEmpty }

    mutating func assign(_ place: TopicPartition) {
        revoke(place)
        lastChannel += 1
        channels[place] = lastChannel
        partitions[lastChannel] = Partition(place: place)
    }

    mutating func revoke(_ place: TopicPartition) {
        guard let channel = channels.removeValue(forKey: place) else { return }
        outstanding -= partitions.removeValue(forKey: channel)?.tracker.outstanding ?? 0
        returned.removeAll { $0.channel == channel }
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
        if let last = partitions[channel]?.tracker.last, offset <= last, let place = partitions[channel]?.place {
            // The partition was set back, as after the loss of its newest messages: offsets mean other messages now.
            assign(place)
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

    /// Puts a message back, to be given out again.
    mutating func giveBack(_ receipt: IncomingMessage.Receipt) {
        guard self[receipt] != nil, !returned.contains(receipt) else { return }
        returned.append(receipt)
    }

    /// What was returned, in the order of its offsets.
    mutating func takeReturned(upTo limit: Int) -> [GivenMessage] {
        guard !returned.isEmpty else { return [] }
        returned.sort { ($0.channel, $0.tag) < ($1.channel, $1.tag) }
        var messages: [GivenMessage] = []
        for receipt in returned.prefix(limit) {
            let offset = Int64(bitPattern: receipt.tag)
            guard var message = partitions[receipt.channel]?.tracker[offset] else { continue }
            message.redeliveries += 1
            partitions[receipt.channel]?.tracker[offset] = message
            messages.append(GivenMessage(receipt: receipt, message: message))
        }
        returned.removeFirst(min(limit, returned.count))
        return messages
    }
}
#endif

#if Kafka
import CRDKafka

/// Partitions and offsets in the C library's form, destroyed with this.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init() {
        // The library ends the process where it has no memory.
        pointer = rd_kafka_topic_partition_list_new(8)
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    /// - Parameter partition: `nil` for the topic as a whole.
    func add(_ topic: String, partition: Int32? = nil, offset: Int64? = nil) {
        let element = rd_kafka_topic_partition_list_add(pointer, topic, partition ?? RD_KAFKA_PARTITION_UA)
        if let offset { element?.pointee.offset = offset }
    }
}

extension KafkaHandle {
    /// Joins the group.
    func subscribe(_ topics: [String]) throws(KafkaError) {
        let list = PartitionList()
        for topic in topics { list.add(topic) }
        let result = rd_kafka_subscribe(pointer, list.pointer)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(result) }
        isJoining = true
    }

    /// Lets the messages of a partition wait apart from the client's events, from now on. It is done before the partition is
    /// assigned, so that none goes the other way.
    func route(_ place: TopicPartition) throws(KafkaError) {
        guard let partition = rd_kafka_queue_get_partition(pointer, place.topic, place.partition) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        }
        rd_kafka_queue_forward(partition, messages)
        rd_kafka_queue_destroy(partition)
    }

    /// Takes messages that are there, and does not wait for others.
    ///
    /// One after another: at each rebalance the library pauses all partitions for a moment, and what it gathers for a batch then it
    /// drops before version 2.1 (its change log, 2.0, "Known issues"), and gives out twice since.
    /// - Returns: how many the client gave, errors among them.
    func takeMessages(
        upTo limit: Int, _ body: (TopicPartition, _ offset: Int64, ReceivedMessage) -> Void,
        failure: (KafkaError) -> Void
    ) -> Int {
        guard let messages else { return 0 }
        // Most messages have the partition of the one before.
        var (topic, place): (OpaquePointer?, TopicPartition?) = (nil, nil)
        for count in 0..<limit {
            var next: UnsafeMutablePointer<rd_kafka_message_t>?
            // Negative only for a client that does not consume.
            guard rd_kafka_consume_batch_queue(messages, 0, &next, 1) > 0, let message = next else { return count }
            defer { rd_kafka_message_destroy(message) }
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                failure(KafkaError(message.pointee.err, rd_kafka_message_errstr(message).map { String(cString: $0) }))
                continue
            }
            if topic != message.pointee.rkt || place?.partition != message.pointee.partition {
                topic = message.pointee.rkt
                place = TopicPartition(
                    topic: String(cString: rd_kafka_topic_name(topic)), partition: message.pointee.partition)
            }
            if let place { body(place, message.pointee.offset, ReceivedMessage(message)) }
        }
        return limit
    }

    private var isCooperative: Bool {
        rd_kafka_rebalance_protocol(pointer).map { String(cString: $0) } == "COOPERATIVE"
    }

    func assign(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(KafkaError) {
        isJoining = false
        if isCooperative {
            if let error = rd_kafka_incremental_assign(pointer, list) { throw KafkaError(taking: error) }
        } else {
            let result = rd_kafka_assign(pointer, list)
            guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(result) }
        }
    }

    /// Lets partitions go; the client commits what was stored of them.
    func unassign(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) throws(KafkaError) {
        if isCooperative, let list {
            if let error = rd_kafka_incremental_unassign(pointer, list) { throw KafkaError(taking: error) }
        } else {
            let result = rd_kafka_assign(pointer, nil)
            guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(result) }
        }
    }

    /// Lets partitions go no further, or go on. What was not taken yet is fetched again then.
    func pause(_ places: [TopicPartition]) throws(KafkaError) {
        try control(places, rd_kafka_pause_partitions)
    }

    func resume(_ places: [TopicPartition]) throws(KafkaError) {
        try control(places, rd_kafka_resume_partitions)
    }

    private func control(
        _ places: [TopicPartition],
        _ call: (OpaquePointer?, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        guard !places.isEmpty else { return }
        let list = PartitionList()
        for place in places { list.add(place.topic, partition: place.partition) }
        let result = call(pointer, list.pointer)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(result) }
        for index in 0..<Int(list.pointee.cnt) {
            let error = list.pointee.elems[index].err
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(error) }
        }
    }

    /// Stores offsets, which the client commits. What is not assigned any more is left out.
    func store(_ offsets: [(place: TopicPartition, offset: Int64)]) throws(KafkaError) {
        let list = PartitionList()
        for (place, offset) in offsets { list.add(place.topic, partition: place.partition, offset: offset) }
        let result = rd_kafka_offsets_store(pointer, list.pointer)
        guard result != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        for index in 0..<Int(list.pointee.cnt) {
            let error = list.pointee.elems[index].err
            // __STATE: it was revoked, and its event has not come yet.
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__STATE else {
                throw KafkaError(error)
            }
        }
    }
}

extension PartitionList {
    fileprivate var pointee: rd_kafka_topic_partition_list_t { pointer.pointee }
}

extension KafkaEvent {
    /// The partitions of a rebalance; they live as long as the event.
    var partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>? {
        rd_kafka_event_topic_partition_list(pointer)
    }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    var places: [TopicPartition] {
        (0..<Int(pointee.cnt)).map { index in
            let element = pointee.elems[index]
            return TopicPartition(topic: String(cString: element.topic), partition: element.partition)
        }
    }
}
#endif

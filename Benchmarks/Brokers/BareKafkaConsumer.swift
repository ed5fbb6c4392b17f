#if Kafka && LMDB
import CRDKafka
import Foundation

/// The ceiling: librdkafka's consumer called in a loop on the calling thread. It takes batches, builds nothing of them, has
/// each stored, and stores offsets, which the client commits.
final class BareKafkaConsumer {
    private let client: BareKafka
    private let queue: OpaquePointer?
    private let topic: String
    private let partitions: Int32

    /// - Parameter group: only for its offsets; the partitions are taken without joining it.
    init(servers: String, group: String, topic: String, partitions: Int32) throws {
        client = try BareKafka(
            RD_KAFKA_CONSUMER,
            [
                "bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest",
                "enable.auto.offset.store": "false", "auto.commit.interval.ms": "1000",
            ])
        self.topic = topic
        self.partitions = partitions
        rd_kafka_poll_set_consumer(client.pointer)
        queue = rd_kafka_queue_get_consumer(client.pointer)
    }

    func close() {
        rd_kafka_consumer_close(client.pointer)
        rd_kafka_queue_destroy(queue)
        client.close()
    }

    /// - Parameters:
    ///   - bodyBytes: what each has.
    ///   - firstID: of the message that was produced first; the partitions were filled in turn.
    ///   - store: keeps messages with these ids.
    /// - Returns: how long it took from asking for the first message to the storing of the last one's offset. The library shows
    ///   a message only when it has read all that came with it, so that the first one comes late.
    func consume(
        _ count: Int, of bodyBytes: Int, firstID: UInt64, batch: Int, store: ([UInt64]) throws -> Void
    ) throws -> Duration {
        let list = rd_kafka_topic_partition_list_new(partitions)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in 0..<partitions {
            rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = 0
        }
        // Connecting is not measured.
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try BareKafka.check(rd_kafka_metadata(client.pointer, 1, nil, &metadata, 5_000))
        rd_kafka_metadata_destroy(metadata)
        let begin = ContinuousClock.now
        try BareKafka.check(rd_kafka_assign(client.pointer, list))
        var messages = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: batch)
        var ids: [UInt64] = []
        ids.reserveCapacity(batch)
        var (taken, bytes) = (0, 0)
        while taken < count {
            // What is there first, then one that is waited for.
            var found = rd_kafka_consume_batch_queue(queue, 0, &messages, batch)
            if found == 0, let message = rd_kafka_consumer_poll(client.pointer, 100) {
                messages[0] = message
                found = 1
            }
            guard found > 0 else { continue }
            for message in messages[..<found] {
                guard let message else { continue }
                defer { rd_kafka_message_destroy(message) }
                try BareKafka.check(message.pointee.err)
                bytes += message.pointee.len
                list?.pointee.elems[Int(message.pointee.partition)].offset = message.pointee.offset + 1
                let (offset, partition) = (message.pointee.offset, message.pointee.partition)
                ids.append(firstID + UInt64(offset * Int64(partitions) + Int64(partition)))
                taken += 1
            }
            try store(ids)
            ids.removeAll(keepingCapacity: true)
            try BareKafka.check(rd_kafka_offsets_store(client.pointer, list))
        }
        let time = ContinuousClock.now - begin
        guard bytes == count * bodyBytes else { throw BenchmarkError("messages came shortened") }
        return time
    }
}
#endif

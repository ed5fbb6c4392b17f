#if Kafka && LMDB
import AfterCommit
import CRDKafka
import Foundation

/// The ceiling: librdkafka's idempotent producer called in a loop on the calling thread, with the headers that the sink writes.
final class BareKafkaProducer {
    private let client: BareKafka
    private let queue: OpaquePointer?
    private let headers: [(name: [CChar], value: [UInt8])]
    private let idPlace: Int
    private var id = [UInt8](repeating: 0, count: EventID.textLength)
    private var body: [UInt8]
    private var number: UInt64

    init(servers: String, sample: MessageSample, firstID: UInt64 = 1) throws {
        number = firstID - 1
        client = try BareKafka(
            RD_KAFKA_PRODUCER,
            [
                "bootstrap.servers": servers, "enable.idempotence": "true", "acks": "all",
                "partitioner": "murmur2_random",
            ])
        queue = rd_kafka_queue_get_main(client.pointer)
        let event = sample.event
        idPlace = event.attributes.firstIndex { $0.name == "id" } ?? 0
        headers =
            event.attributes.map { (Array("ce_\($0.name)".utf8CString), Array($0.value.utf8)) }
            + [(Array("content-type".utf8CString), Array((event.contentType ?? "").utf8))]
        body = Array(event.data)
    }

    func close() {
        rd_kafka_queue_destroy(queue)
        client.close()
    }

    /// Produces so many messages and waits for the report of each, so many being under way at once.
    /// - Parameter partitions: they are filled in turn; `nil` leaves the choice to the client, as the sink does.
    func produce(_ count: Int, to topic: String, partitions: Int32? = nil, window: Int) throws {
        guard let topic = rd_kafka_topic_new(client.pointer, topic, nil) else { throw BenchmarkError("no topic") }
        defer { rd_kafka_topic_destroy(topic) }
        var (sent, done) = (0, 0)
        while done < count {
            while sent < count, sent - done < window {
                try produce(topic, partitions.map { Int32(truncatingIfNeeded: sent) % $0 } ?? RD_KAFKA_PARTITION_UA)
                sent += 1
                if sent % 64 == 0 { try takeReports(&done, patience: 0) }
            }
            try takeReports(&done, patience: 1_000)
        }
    }

    private func produce(_ topic: OpaquePointer, _ partition: Int32) throws {
        number += 1
        _ = id.withUnsafeMutableBytes { MessageSample.id(number).write(to: $0) }
        let list = rd_kafka_headers_new(headers.count)
        for (place, header) in headers.enumerated() {
            let value = place == idPlace ? id : header.value
            rd_kafka_header_add(list, header.name, header.name.count - 1, value, value.count)
        }
        let error = body.withUnsafeMutableBytes { body in
            withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 5) { parts in
                parts.initialize(repeating: rd_kafka_vu_t())
                parts[0].vtype = RD_KAFKA_VTYPE_RKT
                parts[0].u.rkt = topic
                parts[1].vtype = RD_KAFKA_VTYPE_PARTITION
                parts[1].u.i32 = partition
                parts[2].vtype = RD_KAFKA_VTYPE_VALUE
                parts[2].u.mem.ptr = body.baseAddress
                parts[2].u.mem.size = body.count
                parts[3].vtype = RD_KAFKA_VTYPE_HEADERS
                parts[3].u.headers = list
                parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS
                parts[4].u.i = RD_KAFKA_MSG_F_COPY
                return rd_kafka_produceva(client.pointer, parts.baseAddress, parts.count)
            }
        }
        guard error == nil else { throw BenchmarkError("librdkafka did not take a message") }
    }

    private func takeReports(_ done: inout Int, patience: Int32) throws {
        var patience = patience
        while let event = rd_kafka_queue_poll(queue, patience) {
            defer { rd_kafka_event_destroy(event) }
            while let message = rd_kafka_event_message_next(event) {
                try BareKafka.check(message.pointee.err)
                done += 1
            }
            patience = 0
        }
    }
}
#endif

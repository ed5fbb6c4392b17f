#if Kafka && LMDB
import AfterCommit
import CRDKafka
import Foundation

/// One client of librdkafka, and what both bare loops need of it.
final class BareKafka {
    let pointer: OpaquePointer

    init(_ type: rd_kafka_type_t, _ properties: [String: String]) throws {
        let settings = rd_kafka_conf_new()
        rd_kafka_conf_set_log_cb(settings, nil)
        for (name, value) in properties {
            guard rd_kafka_conf_set(settings, name, value, nil, 0) == RD_KAFKA_CONF_OK else {
                throw BenchmarkError("librdkafka does not take \(name)")
            }
        }
        // Reports come in batches, as to the sink.
        if type == RD_KAFKA_PRODUCER { rd_kafka_conf_set_events(settings, RD_KAFKA_EVENT_DR) }
        guard let pointer = rd_kafka_new(type, settings, nil, 0) else {
            throw BenchmarkError("librdkafka makes no client")
        }
        self.pointer = pointer
    }

    func close() { rd_kafka_destroy(pointer) }

    static func check(_ response: rd_kafka_resp_err_t) throws {
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw BenchmarkError("the bare loop failed: \(String(cString: rd_kafka_err2str(response)))")
        }
    }
}
#endif

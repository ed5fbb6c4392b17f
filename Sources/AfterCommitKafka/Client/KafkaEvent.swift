#if Kafka
import AfterCommit
import CRDKafka
import Logging

/// One event of the C library, destroyed with this.
struct KafkaEvent: ~Copyable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        rd_kafka_event_destroy(pointer)
    }

    var type: Int32 { rd_kafka_event_type(pointer) }

    var error: KafkaError {
        KafkaError(rd_kafka_event_error(pointer), rd_kafka_event_error_string(pointer).map { String(cString: $0) })
    }

    var response: rd_kafka_resp_err_t { rd_kafka_event_error(pointer) }

    /// Whether the client can do nothing more after this error.
    var isFatal: Bool { rd_kafka_event_error_is_fatal(pointer) != 0 }

    /// Writes a line of the library's log. It says most things more than once, so that none is louder than a notice.
    func log(to logger: Logger) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var level: Int32 = 0
        guard rd_kafka_event_log(pointer, &facility, &text, &level) == 0, let facility, let text else { return }
        // Severities of RFC 5424: 4 is a warning. That a property is for consumers only, or for producers, is none.
        let isNotice = level <= 4 && String(cString: facility) != "CONFWARN"
        logger.log(
            level: isNotice ? .notice : .debug, "the Kafka client reports",
            metadata: [
                LogKey.error: "\(KafkaError.escaped("\(String(cString: facility)): \(String(cString: text))"))"
            ])
    }
}
#endif

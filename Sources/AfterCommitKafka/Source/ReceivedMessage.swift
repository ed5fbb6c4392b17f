#if Kafka
import AfterCommit
import CRDKafka
import Foundation

/// A message as it came, kept until it is settled.
struct ReceivedMessage: Sendable {
    /// As it is given out. Its receipt is filled in then.
    var message: IncomingMessage
    var key: KafkaBytes
    var headers: [KafkaHeader]
    /// Whether there was no value, which is not the same as an empty one.
    var hasNoValue: Bool

    init(key: KafkaBytes, headers: [KafkaHeader], value: KafkaBytes) {
        self.key = key
        self.headers = headers
        var texts: [String: String] = [:]
        texts.reserveCapacity(headers.count)
        var contentType: String?
        for header in headers {
            guard let text = header.value.lossyText else { continue }
            // Where a name is there twice the last one counts, as for Kafka's own `lastHeader`.
            texts[header.name] = text
            if header.name.utf8.count == 12, header.name.lowercased() == "content-type" { contentType = text }
        }
        let body: Data =
            switch value {
            case .null: Data()
            case .text(let text): Data(text.utf8)
            case .bytes(let bytes): bytes
            }
        hasNoValue = value == .null
        message = IncomingMessage(
            receipt: IncomingMessage.Receipt(channel: 0, tag: 0), body: body, contentType: contentType, headers: texts,
            attributePrefixes: ["ce_"], key: key.lossyText)
    }

    /// What goes to the dead letters: all as it came, with headers that say where from and why.
    func deadLetter(
        topic: String, from place: TopicPartition, offset: UInt64, group: String, reason: String
    ) -> KafkaRecord {
        let added = [
            ("aftercommit.reason", reason), ("aftercommit.topic", place.topic),
            ("aftercommit.partition", "\(place.partition)"), ("aftercommit.offset", "\(offset)"),
            ("aftercommit.group", group),
        ]
        return KafkaRecord(
            topic: topic, key: key, headers: headers + added.map { KafkaHeader($0, .text($1)) },
            value: hasNoValue ? .null : .bytes(message.body))
    }
}

extension ReceivedMessage {
    /// Copies what the C library holds.
    init(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) {
        let message = pointer.pointee
        var headers: [KafkaHeader] = []
        var list: OpaquePointer?
        // A message without headers has an error for them.
        if rd_kafka_message_headers(pointer, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list {
            headers.reserveCapacity(rd_kafka_header_cnt(list))
            var (name, value, size): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
            while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let name
            {
                headers.append(KafkaHeader(String(cString: name), KafkaBytes(text: value, count: size)))
            }
        }
        self.init(
            key: KafkaBytes(text: message.key, count: message.key_len), headers: headers,
            value: message.payload.map { .bytes(Data(bytes: $0, count: message.len)) } ?? .null)
    }
}

extension KafkaBytes {
    /// Copies bytes, as text where they are UTF-8.
    init(text pointer: UnsafeRawPointer?, count: Int) {
        guard let pointer else {
            self = .null
            return
        }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
        self = String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .bytes(Data(bytes))
    }

    /// As text, with replacements for what is no UTF-8.
    var lossyText: String? {
        switch self {
        case .null: nil
        case .text(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}
#endif

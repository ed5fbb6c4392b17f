#if Kafka
import AfterCommit
import CRDKafka
import Foundation

/// A message as it came, kept until it is settled: bytes, of which whoever handles it makes texts.
struct ReceivedMessage: Sendable {
    let key: KafkaBytes
    private let packed: PackedHeaders
    /// `nil` where there was no value, which is not the same as an empty one.
    private let value: Data?
    /// How often it was given out before.
    var redeliveries = 0

    init(key: KafkaBytes, headers: [KafkaHeader], value: KafkaBytes) {
        self.key = key
        packed = PackedHeaders(headers)
        self.value =
            switch value {
            case .null: nil
            case .text(let text): Data(text.utf8)
            case .bytes(let bytes): bytes
            }
    }

    var headers: [KafkaHeader] { packed.headers }
    var hasNoValue: Bool { value == nil }

    /// As it is given out. Making it takes a while: the consumer's thread is not the place for it.
    func message(receipt: IncomingMessage.Receipt) -> IncomingMessage {
        var texts: [IncomingMessage.Header] = []
        texts.reserveCapacity(packed.count)
        var contentType: String?
        packed.visit { name, value in
            guard let value else { return }
            let header = IncomingMessage.Header(
                String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
            // Where a name is there twice the last one counts, as for Kafka's own `lastHeader`.
            texts.append(header)
            if name.count == 12, header.name.lowercased() == "content-type" { contentType = header.value }
        }
        return IncomingMessage(
            receipt: receipt, body: value ?? Data(), contentType: contentType, allHeaders: texts,
            attributePrefixes: Self.attributePrefixes, key: key.lossyText, redeliveries: redeliveries)
    }

    private static let attributePrefixes = ["ce_"]

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
            value: value.map { .bytes($0) } ?? .null)
    }
}

extension ReceivedMessage {
    /// Copies what the C library holds.
    init(_ pointer: UnsafeMutablePointer<rd_kafka_message_t>) {
        let message = pointer.pointee
        var headers = PackedHeaders()
        var list: OpaquePointer?
        // A message without headers has an error for them.
        if rd_kafka_message_headers(pointer, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list {
            var (name, value, size): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
            while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let name
            {
                headers.append(name, value, count: size)
            }
        }
        packed = headers
        key = KafkaBytes(text: message.key, count: message.key_len)
        value = message.payload.map { Data(bytes: $0, count: message.len) }
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

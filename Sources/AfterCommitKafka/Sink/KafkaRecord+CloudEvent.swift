#if Kafka
import AfterCommit

extension KafkaRecord {
    /// A CloudEvent in a message (CloudEvents 1.0, Kafka Protocol Binding, section 3): texts are UTF-8 as they are.
    init(event: CloudEvent, topic: String, key: String?, mode: CloudEvent.ContentMode) {
        var attributes: [CloudEvent.Attribute] = []
        var headers: [KafkaHeader] = []
        let value: KafkaBytes
        switch mode {
        case .binary:
            attributes = event.attributes
            if let contentType = event.contentType { headers.append(KafkaHeader("content-type", .text(contentType))) }
            value = .bytes(event.data)
        case .structured:
            headers = [KafkaHeader("content-type", .text(CloudEvent.structuredContentType))]
            value = .bytes(event.structured())
        }
        self.init(
            topic: topic, key: key.map { .text($0) } ?? .null, attributes: attributes, headers: headers, value: value)
    }
}
#endif

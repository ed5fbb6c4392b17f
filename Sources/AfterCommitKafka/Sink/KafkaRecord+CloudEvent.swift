#if Kafka
import AfterCommit

extension KafkaRecord {
    /// A CloudEvent in a message (CloudEvents 1.0, Kafka Protocol Binding, section 3): texts are UTF-8 as they are.
    init(event: CloudEvent, topic: String, key: String?, mode: CloudEvent.ContentMode) {
        var headers: [KafkaHeader] = []
        let value: KafkaBytes
        switch mode {
        case .binary:
            headers.reserveCapacity(event.attributes.count + 1)
            for attribute in event.attributes {
                headers.append(KafkaHeader("ce_" + attribute.name, .text(attribute.value)))
            }
            if let contentType = event.contentType { headers.append(KafkaHeader("content-type", .text(contentType))) }
            value = .bytes(event.data)
        case .structured:
            headers = [KafkaHeader("content-type", .text(CloudEvent.structuredContentType))]
            value = .bytes(event.structured())
        }
        self.init(topic: topic, key: key.map { .text($0) } ?? .null, headers: headers, value: value)
    }
}
#endif

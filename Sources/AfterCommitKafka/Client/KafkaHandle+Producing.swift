#if Kafka
import AfterCommit
import CRDKafka

extension KafkaHandle {
    /// Hands a message to the client, which copies it.
    /// - Parameter token: comes back in the delivery report.
    /// - Returns: an error where there will be no report.
    func produce(_ record: KafkaRecord, token: UInt) -> KafkaError? {
        guard let headers = rd_kafka_headers_new(record.attributes.count + record.headers.count) else {
            return KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)
        }
        for attribute in record.attributes {
            let added = add(attribute, to: headers)
            guard added == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_headers_destroy(headers)
                return KafkaError(added)
            }
        }
        for header in record.headers {
            let added = header.value.withPointer { rd_kafka_header_add(headers, header.name, -1, $0, $1) }
            guard added == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_headers_destroy(headers)
                return KafkaError(added)
            }
        }
        let error = record.topic.withCString { topic in
            record.key.withPointer { key, keyCount in
                record.value.withPointer { value, valueCount in
                    produce(topic, (key, keyCount), (value, valueCount), headers, token)
                }
            }
        }
        guard let error else { return nil }
        // The client takes the headers over only with the message.
        rd_kafka_headers_destroy(headers)
        return KafkaError(taking: error)
    }

    /// Puts the name together where it costs no memory of its own.
    private func add(_ attribute: CloudEvent.Attribute, to headers: OpaquePointer) -> rd_kafka_resp_err_t {
        var name = attribute.name
        return name.withUTF8 { name in
            KafkaBytes.text(attribute.value).withPointer { value, valueCount in
                withUnsafeTemporaryAllocation(byteCount: 3 + name.count, alignment: 1) { place in
                    place.copyBytes(from: "ce_".utf8)
                    UnsafeMutableRawBufferPointer(rebasing: place[3...]).copyBytes(from: name)
                    return rd_kafka_header_add(headers, place.baseAddress, place.count, value, valueCount)
                }
            }
        }
    }

    private func produce(
        _ topic: UnsafePointer<CChar>, _ key: (UnsafeRawPointer?, Int), _ value: (UnsafeRawPointer?, Int),
        _ headers: OpaquePointer, _ token: UInt
    ) -> OpaquePointer? {
        withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 6) { parts in
            parts.initialize(repeating: rd_kafka_vu_t())
            parts[0].vtype = RD_KAFKA_VTYPE_TOPIC
            parts[0].u.cstr = topic
            parts[1].vtype = RD_KAFKA_VTYPE_KEY
            parts[1].u.mem.ptr = UnsafeMutableRawPointer(mutating: key.0)
            parts[1].u.mem.size = key.1
            parts[2].vtype = RD_KAFKA_VTYPE_VALUE
            parts[2].u.mem.ptr = UnsafeMutableRawPointer(mutating: value.0)
            parts[2].u.mem.size = value.1
            parts[3].vtype = RD_KAFKA_VTYPE_HEADERS
            parts[3].u.headers = headers
            parts[4].vtype = RD_KAFKA_VTYPE_OPAQUE
            parts[4].u.ptr = UnsafeMutableRawPointer(bitPattern: token)
            parts[5].vtype = RD_KAFKA_VTYPE_MSGFLAGS
            parts[5].u.i = RD_KAFKA_MSG_F_COPY
            return rd_kafka_produceva(pointer, parts.baseAddress, parts.count)
        }
    }

    /// Lets the client report all that it has not delivered as failed.
    func purge() -> KafkaError? {
        let result = rd_kafka_purge(
            pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
        return result == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(result)
    }
}

extension KafkaEvent {
    /// What a delivery report says of each of its messages.
    func forEachReport(_ body: (_ token: UInt, _ error: rd_kafka_resp_err_t) -> Void) {
        while let message = rd_kafka_event_message_next(pointer) {
            body(UInt(bitPattern: message.pointee._private), message.pointee.err)
        }
    }
}
#endif

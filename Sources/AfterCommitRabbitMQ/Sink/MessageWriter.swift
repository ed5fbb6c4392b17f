#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation

/// Writes messages in parts so small that the socket, which has room when this is called, takes them without waiting: a broker
/// that reads nothing must not hold up the thread.
struct MessageWriter {
    /// A system that says that there is room has a third of its buffer, which is 87 KB at the least.
    private static let partBytes = 16_384

    /// A large message that is begun must be ended, whoever waits for it: its frames follow each other.
    private struct Begun {
        let place: WriteQueue.Place
        let body: Data
        var offset: Int
    }

    private var begun: Begun?
    private var entries: [amqp_table_entry_t] = []

    func hasWork(_ queue: WriteQueue) -> Bool { begun != nil || !queue.isEmpty }

    /// - Returns: what was begun.
    mutating func reset() -> [WriteQueue.Place] {
        defer { begun = nil }
        return begun.map { [$0.place] } ?? []
    }

    /// Writes some of what there is.
    mutating func write(
        from queue: inout WriteQueue, to connection: BrokerConnection, ledger: inout ConfirmLedger<WriteQueue.Place>,
        maxMessageBytes: Int
    ) throws(RabbitMQError) {
        var room = Self.partBytes
        if begun != nil { try goOn(connection, &room) }
        while begun == nil, room > 0, let (place, message) = queue.next() {
            if let failure = Self.obstacle(message, connection, maxMessageBytes: maxMessageBytes) {
                place.batch.settle(place.position, .failed(failure))
                continue
            }
            ledger.publish(place, id: message.id, route: message.route)
            if message.wireBytes <= Self.partBytes {
                try publish(message, connection)
                room -= message.wireBytes
            } else {
                try begin(message, connection)
                room -= message.headerFrameBytes
                begun = Begun(place: place, body: message.body, offset: 0)
                try goOn(connection, &room)
            }
        }
    }

    /// What no broker takes. It must not be sent: frames that end half-way end the connection.
    private static func obstacle(
        _ message: OutgoingMessage, _ connection: BrokerConnection, maxMessageBytes: Int
    ) -> HandlerOutcome? {
        if message.body.count > maxMessageBytes { return .tooLarge(limit: maxMessageBytes) }
        guard message.headerFrameBytes > connection.maxFrameBytes else { return nil }
        return .permanent(
            OutgoingMessage.invalid("its headers have more than \(connection.maxFrameBytes) bytes, which is a frame"))
    }

    private mutating func publish(_ message: OutgoingMessage, _ connection: BrokerConnection) throws(RabbitMQError) {
        let status = message.withFields(&entries) { exchange, routingKey, properties in
            message.body.withUnsafeBytes { body in
                amqp_basic_publish(
                    connection.state, BrokerConnection.channel, exchange, routingKey, 1, 0, &properties,
                    amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
            }
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw .lost(status) }
    }

    /// The method and the header; the body follows.
    private mutating func begin(_ message: OutgoingMessage, _ connection: BrokerConnection) throws(RabbitMQError) {
        let status = message.withFields(&entries) { exchange, routingKey, properties in
            var publish = amqp_basic_publish_t(
                ticket: 0, exchange: exchange, routing_key: routingKey, mandatory: 1, immediate: 0)
            let status = amqp_send_method(
                connection.state, BrokerConnection.channel, AMQP_BASIC_PUBLISH_METHOD, &publish)
            guard status == AMQP_STATUS_OK.rawValue else { return status }
            return withUnsafeMutablePointer(to: &properties) { properties in
                var frame = amqp_frame_t()
                frame.frame_type = UInt8(AMQP_FRAME_HEADER)
                frame.channel = BrokerConnection.channel
                frame.payload.properties.class_id = UInt16(AMQP_BASIC_CLASS)
                frame.payload.properties.body_size = UInt64(message.body.count)
                frame.payload.properties.decoded = UnsafeMutableRawPointer(properties)
                return amqp_send_frame(connection.state, &frame)
            }
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw .lost(status) }
    }

    private mutating func goOn(_ connection: BrokerConnection, _ room: inout Int) throws(RabbitMQError) {
        guard var current = begun else { return }
        let largest = min(Self.partBytes, connection.maxFrameBytes - 8)
        while room > 0, current.offset < current.body.count {
            let count = min(largest, current.body.count - current.offset)
            let status = current.body.withUnsafeBytes { body in
                var frame = amqp_frame_t()
                frame.frame_type = UInt8(AMQP_FRAME_BODY)
                frame.channel = BrokerConnection.channel
                frame.payload.body_fragment = amqp_bytes_t(
                    len: count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress.map { $0 + current.offset }))
                return amqp_send_frame(connection.state, &frame)
            }
            guard status == AMQP_STATUS_OK.rawValue else { throw .lost(status) }
            current.offset += count
            room -= count
        }
        begun = current.offset < current.body.count ? current : nil
    }
}
#endif

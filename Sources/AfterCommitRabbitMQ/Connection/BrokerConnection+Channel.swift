#if RabbitMQ
import CRabbitMQ

extension BrokerConnection {
    /// Opens the channel, and makes or looks for what the topology says.
    func openChannel(_ topology: RabbitMQTopology) throws(RabbitMQError) {
        var open = amqp_channel_open_t(out_of_band: amqp_empty_bytes)
        try call(AMQP_CHANNEL_OPEN_METHOD, &open, answer: AMQP_CHANNEL_OPEN_OK_METHOD)
        isChannelOpen = true
        for step in topology.steps { try take(step) }
    }

    /// Says goodbye, and waits until the broker has read all that was sent before.
    func close() throws(RabbitMQError) {
        uncork()
        isClosing = true
        // A broker that reads nothing would hold up the goodbye for as long as it likes.
        guard readiness().writing else { return }
        var close = amqp_connection_close_t(
            reply_code: 200, reply_text: amqp_empty_bytes, class_id: 0, method_id: 0)
        try call(AMQP_CONNECTION_CLOSE_METHOD, &close, answer: AMQP_CONNECTION_CLOSE_OK_METHOD, channel: 0)
    }
}
#endif

#if RabbitMQ
import AfterCommit
import CRabbitMQ

extension RabbitMQError {
    /// What the broker says may quote what clients sent, at any length.
    static func oneLine(_ text: String) -> String {
        DeliveryLog.oneLine(String(String.UnicodeScalarView(text.unicodeScalars.prefix(300))))
    }

    private static func words(_ status: Int32) -> String { String(cString: amqp_error_string2(status)) }

    /// A connection that worked until now.
    static func lost(_ status: Int32) -> Self {
        RabbitMQError(.connectionLost, words(status))
    }

    /// A socket that could not be opened.
    init(opening status: Int32, host: String) {
        let isTLS = (AMQP_STATUS_SSL_SET_ENGINE_FAILED.rawValue...AMQP_STATUS_SSL_ERROR.rawValue).contains(status)
        self.init(isTLS ? .tls : .unreachable, "\(host): \(Self.words(status))")
    }

    /// An answer of the login that is none of success.
    init(login reply: amqp_rpc_reply_t, host: String) {
        guard reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION else {
            let status = reply.library_error
            self.init(.unreachable, "\(host): \(status == 0 ? "it hung up" : Self.words(status))")
            return
        }
        guard reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD else {
            self.init(.unreachable, "\(host): it answered the login with something else")
            return
        }
        let close = reply.reply.decoded(as: amqp_connection_close_t.self)
        let code = Int(close.reply_code)
        // 403 access refused, 530 not allowed: the virtual host.
        self.init(
            code == 403 || code == 530 ? .accessRefused : .unreachable,
            "\(host): \(Self.oneLine(String(close.reply_text)))", replyCode: code)
    }

    init(connectionClose close: amqp_connection_close_t) {
        self.init(.connectionLost, Self.oneLine(String(close.reply_text)), replyCode: Int(close.reply_code))
    }

    init(channelClose close: amqp_channel_close_t) {
        self.init(.channelClosed, Self.oneLine(String(close.reply_text)), replyCode: Int(close.reply_code))
    }

    /// The broker's refusal of what a topology says.
    var ofTopology: Self {
        switch replyCode {
        case 406: RabbitMQError(.topologyMismatch, message, replyCode: replyCode)
        case 404: RabbitMQError(.topologyMissing, message, replyCode: replyCode)
        case 403: RabbitMQError(.accessRefused, message, replyCode: replyCode)
        default: self
        }
    }
}
#endif

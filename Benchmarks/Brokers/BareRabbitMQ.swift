#if RabbitMQ && LMDB
import AfterCommit
import CRabbitMQ
import Foundation

#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// The ceiling: rabbitmq-c called in a loop on the calling thread, one connection, prepared messages with the headers and
/// properties that the sink writes.
final class BareRabbitMQ {
    private static let channel: amqp_channel_t = 1
    private let state: amqp_connection_state_t
    private let publishing: BareRabbitMQMessage
    private let bodyBytes: Int

    init(url: String, sample: MessageSample) throws {
        guard let place = URLComponents(string: url), let host = place.host, let port = place.port,
            let state = amqp_new_connection(), let socket = amqp_tcp_socket_new(state)
        else { throw BenchmarkError("\(url) leads nowhere") }
        self.state = state
        publishing = BareRabbitMQMessage(sample)
        bodyBytes = sample.event.data.count
        guard amqp_socket_open(socket, host, Int32(port)) == AMQP_STATUS_OK.rawValue else {
            throw BenchmarkError("RabbitMQ does not answer at \(url)")
        }
        var properties = amqp_empty_table
        let login = aftercommit_amqp_login(
            state, "/", AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, 0, &properties, "guest", "guest")
        guard login.reply_type == AMQP_RESPONSE_NORMAL else { throw BenchmarkError("RabbitMQ lets nobody in") }
        amqp_channel_open(state, Self.channel)
        try checkReply()
        amqp_confirm_select(state, Self.channel)
        try checkReply()
    }

    func close() {
        amqp_connection_close(state, AMQP_REPLY_SUCCESS)
        amqp_destroy_connection(state)
    }

    /// A durable queue.
    func declare(_ queue: String) throws {
        _ = withBytes(queue) { amqp_queue_declare(state, Self.channel, $0, 0, 1, 0, 0, amqp_empty_table) }
        try checkReply()
    }

    func purge(_ queue: String) throws {
        _ = withBytes(queue) { amqp_queue_purge(state, Self.channel, $0) }
        try checkReply()
    }

    /// Publishes persistent, mandatory messages and waits for the confirm of each, so many being under way at once.
    func publish(_ count: Int, to queue: String, window: Int) throws {
        var tags = ConfirmedTags()
        var sent = 0
        while tags.count < count {
            setCork(1)
            while sent < count, sent - tags.count < window {
                try withBytes(queue) { key in
                    try publishing.withNext { body, properties in
                        let status = amqp_basic_publish(
                            state, Self.channel, amqp_empty_bytes, key, 1, 0, &properties, body)
                        try check(status)
                    }
                }
                sent += 1
                // What has come is taken along, without waiting.
                if sent % 64 == 0 { while try takeConfirm(&tags, waits: false) {} }
            }
            setCork(0)
            _ = try takeConfirm(&tags, waits: true)
            while try takeConfirm(&tags, waits: false) {}
        }
        publishedBefore += UInt64(count)
    }

    /// Takes so many messages, and only acknowledges them, half the prefetch at a time.
    /// - Returns: how long it took from the first to the acknowledgement of the last.
    func consume(_ count: Int, from queue: String, prefetch: Int) throws -> Duration {
        amqp_basic_qos(state, Self.channel, 0, UInt16(prefetch), 0)
        try checkReply()
        let tag = try withBytes(queue) { queue in
            guard
                let answer = amqp_basic_consume(
                    state, Self.channel, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table)
            else { throw BenchmarkError("RabbitMQ gives nothing out") }
            return amqp_bytes_malloc_dup(answer.pointee.consumer_tag)
        }
        defer { amqp_bytes_free(tag) }
        var begin: ContinuousClock.Instant?
        var bytes = 0
        for number in 1...count {
            amqp_maybe_release_buffers(state)
            var envelope = amqp_envelope_t()
            let reply = amqp_consume_message(state, &envelope, nil, 0)
            guard reply.reply_type == AMQP_RESPONSE_NORMAL else { throw BenchmarkError("a message did not come") }
            if begin == nil { begin = .now }
            bytes += envelope.message.body.len
            let deliveryTag = envelope.delivery_tag
            amqp_destroy_envelope(&envelope)
            if number % (prefetch / 2) == 0 || number == count {
                try check(amqp_basic_ack(state, Self.channel, deliveryTag, 1))
            }
        }
        let time = ContinuousClock.now - (begin ?? .now)
        guard bytes == count * bodyBytes else { throw BenchmarkError("messages came shortened") }
        amqp_basic_cancel(state, Self.channel, tag)
        try checkReply()
        return time
    }

    // MARK: Parts

    /// How many messages this channel has published in earlier calls: tags count on.
    private var publishedBefore: UInt64 = 0

    /// How many are confirmed: all up to a tag, or single ones.
    private struct ConfirmedTags {
        var count = 0
        var upTo: UInt64 = 0
        var single: Set<UInt64> = []

        mutating func add(_ tag: UInt64, multiple: Bool) {
            guard tag > upTo else { return }
            if multiple {
                count += Int(tag - upTo) - single.count { $0 <= tag }
                single = single.filter { $0 > tag }
                upTo = tag
            } else if tag == upTo + 1 {
                upTo = tag
                count += 1
                while single.remove(upTo + 1) != nil { upTo += 1 }
            } else if single.insert(tag).inserted {
                count += 1
            }
        }
    }

    /// - Returns: whether a frame came.
    private func takeConfirm(_ tags: inout ConfirmedTags, waits: Bool) throws -> Bool {
        amqp_maybe_release_buffers(state)
        var frame = amqp_frame_t()
        var now = timeval()
        let status =
            waits ? amqp_simple_wait_frame(state, &frame) : amqp_simple_wait_frame_noblock(state, &frame, &now)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return false }
        try check(status)
        guard frame.frame_type == UInt8(AMQP_FRAME_METHOD), frame.payload.method.id == AMQP_BASIC_ACK_METHOD,
            let ack = frame.payload.method.decoded?.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
        else { throw BenchmarkError("RabbitMQ did not take a message") }
        tags.add(ack.delivery_tag - publishedBefore, multiple: ack.multiple != 0)
        return true
    }

    private func setCork(_ value: Int32) {
        #if os(Linux)
        var value = value
        setsockopt(
            amqp_get_sockfd(state), Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    private func withBytes<R>(_ text: String, _ body: (amqp_bytes_t) throws -> R) rethrows -> R {
        var text = text
        return try text.withUTF8 { bytes in
            try body(amqp_bytes_t(len: bytes.count, bytes: UnsafeMutableRawPointer(mutating: bytes.baseAddress)))
        }
    }

    private func check(_ status: Int32) throws {
        guard status == AMQP_STATUS_OK.rawValue else {
            throw BenchmarkError("the bare loop failed: \(String(cString: amqp_error_string2(status)))")
        }
    }

    private func checkReply() throws {
        guard amqp_get_rpc_reply(state).reply_type == AMQP_RESPONSE_NORMAL else {
            throw BenchmarkError("RabbitMQ refused a command of the bare loop")
        }
    }
}
#endif

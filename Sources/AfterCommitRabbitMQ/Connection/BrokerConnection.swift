#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// A connection with one channel. The library is not safe for threads and keeps state of each call: one actor's thread owns it.
final class BrokerConnection {
    /// All is done on this channel.
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    /// How large a frame may be at most, in bytes; agreed with the broker.
    let maxFrameBytes: Int
    /// After how much silence the connection is lost; `nil` for never.
    let heartbeat: Duration?
    /// Whether the channel takes commands.
    var isChannelOpen = false

    private let callTimeout: Duration
    private let interrupt: Interrupt
    private let time: TimeSource
    private let maxBodyBytes: Int
    private var content: ContentAssembly?
    /// What came while an answer was waited for.
    private var waiting: [BrokerEvent] = []
    var isCorked = false
    /// Once it is being closed nothing interrupts the goodbye, which takes a second at the most.
    var isClosing = false

    /// - Parameter state: logged in; it is destroyed with this.
    init(
        _ state: amqp_connection_state_t, callTimeout: Duration, maxBodyBytes: Int, interrupt: Interrupt,
        time: TimeSource
    ) {
        self.state = state
        self.callTimeout = callTimeout
        self.maxBodyBytes = maxBodyBytes
        self.interrupt = interrupt
        self.time = time
        maxFrameBytes = Int(amqp_get_frame_max(state))
        let seconds = amqp_get_heartbeat(state)
        heartbeat = seconds > 0 ? .seconds(Int64(seconds)) : nil
    }

    deinit {
        // The socket is closed whatever it returns, and nothing is written any more.
        amqp_destroy_connection(state)
    }

    var descriptor: Int32 { amqp_get_sockfd(state) }

    // MARK: Reading

    private enum Incoming {
        case event(BrokerEvent)
        /// An answer; what it holds is valid until the next frame.
        case answer(amqp_method_t)
        /// Part of something.
        case part
    }

    /// What has come, without waiting. Heartbeats are sent and watched meanwhile, so that it is to be called every half
    /// ``heartbeat`` at least.
    /// - Throws: ``RabbitMQError`` once the connection is lost.
    func nextEvent() throws(RabbitMQError) -> BrokerEvent? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        while let incoming = try next() {
            // An answer that nobody waits for any more.
            if case .event(let event) = incoming { return event }
        }
        return nil
    }

    private func next() throws(RabbitMQError) -> Incoming? {
        // What the frame before pointed to has been copied or used.
        amqp_maybe_release_buffers(state)
        var frame = amqp_frame_t()
        var noTime = timeval()
        let status = amqp_simple_wait_frame_noblock(state, &frame, &noTime)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard status == AMQP_STATUS_OK.rawValue else { throw .lost(status) }
        do {
            switch Int32(frame.frame_type) {
            case AMQP_FRAME_METHOD: return try take(frame.payload.method)
            case AMQP_FRAME_HEADER:
                guard let decoded = frame.payload.properties.decoded else { throw ContentAssembly.Unexpected() }
                try content?.takeHeader(
                    decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee,
                    bodySize: frame.payload.properties.body_size)
            case AMQP_FRAME_BODY: try content?.takeBody(frame.payload.body_fragment)
            default: return .part
            }
        } catch let error as RabbitMQError {
            throw error
        } catch {
            throw RabbitMQError(.connectionLost, "the broker sent a frame that does not belong there")
        }
        guard let event = content?.event else { return .part }
        content = nil
        return .event(event)
    }

    private func take(_ method: amqp_method_t) throws(RabbitMQError) -> Incoming {
        switch method.id {
        case AMQP_BASIC_ACK_METHOD:
            let ack = method.decoded(as: amqp_basic_ack_t.self)
            return .event(.confirmed(tag: ack.delivery_tag, multiple: ack.multiple != 0))
        case AMQP_BASIC_NACK_METHOD:
            let nack = method.decoded(as: amqp_basic_nack_t.self)
            return .event(.refused(tag: nack.delivery_tag, multiple: nack.multiple != 0))
        case AMQP_BASIC_RETURN_METHOD: content = ContentAssembly(method.decoded(as: amqp_basic_return_t.self))
        case AMQP_BASIC_DELIVER_METHOD:
            content = ContentAssembly(method.decoded(as: amqp_basic_deliver_t.self), maxBodyBytes: maxBodyBytes)
        case AMQP_BASIC_CANCEL_METHOD: return .event(.consumerCancelled)
        case AMQP_CONNECTION_BLOCKED_METHOD:
            return .event(.blocked(reason: String(method.decoded(as: amqp_connection_blocked_t.self).reason)))
        case AMQP_CONNECTION_UNBLOCKED_METHOD: return .event(.unblocked)
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close = method.decoded(as: amqp_channel_close_t.self)
            let error = RabbitMQError(channelClose: close)
            isChannelOpen = false
            content = nil
            var answer = amqp_channel_close_ok_t()
            try send(AMQP_CHANNEL_CLOSE_OK_METHOD, &answer)
            return .event(.channelClosed(error))
        case AMQP_CONNECTION_CLOSE_METHOD:
            let error = RabbitMQError(connectionClose: method.decoded(as: amqp_connection_close_t.self))
            var answer = amqp_connection_close_ok_t()
            // The broker hangs up anyway.
            try? send(AMQP_CONNECTION_CLOSE_OK_METHOD, &answer, channel: 0)
            throw error
        default: return .answer(method)
        }
        return .part
    }

    // MARK: Asking

    func send<Method>(
        _ id: amqp_method_number_t, _ method: inout Method, channel: amqp_channel_t = BrokerConnection.channel
    ) throws(RabbitMQError) {
        let status = withUnsafeMutablePointer(to: &method) { amqp_send_method(state, channel, id, $0) }
        guard status == AMQP_STATUS_OK.rawValue else { throw .lost(status) }
    }

    /// Sends a command, and waits for its answer.
    /// - Throws: ``RabbitMQError`` with `channelClosed` where the broker refuses it; what is thrown otherwise ends the connection.
    func call<Method>(
        _ id: amqp_method_number_t, _ method: inout Method, answer: amqp_method_number_t,
        channel: amqp_channel_t = BrokerConnection.channel
    ) throws(RabbitMQError) {
        try send(id, &method, channel: channel)
        let deadline = time.now() + (isClosing ? min(callTimeout, .seconds(1)) : callTimeout)
        while true {
            while let incoming = try next() {
                switch incoming {
                case .answer(let method) where method.id == answer: return
                case .event(.channelClosed(let error)): throw error
                case .event(let event): waiting.append(event)
                case .answer, .part: continue
                }
            }
            try wait(until: deadline)
        }
    }

    private func wait(until deadline: Duration) throws(RabbitMQError) {
        let left = deadline - time.now()
        guard left > .zero else { throw RabbitMQError(.connectionLost, "the broker did not answer in time") }
        guard isClosing || !interrupt.isRaised else { throw RabbitMQError(.closed, "the connection is being closed") }
        // Not longer than the library may be left alone.
        let patience = min(left, heartbeat.map { $0 / 2 } ?? left)
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isClosing ? -1 : interrupt.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        if poll(&descriptors, 2, Int32(clamping: patience.wholeMilliseconds)) < 0, errno != EINTR {
            throw RabbitMQError(.connectionLost, "\(SystemError("poll"))")
        }
    }
}

extension amqp_method_t {
    /// The library has decoded it as what its id says.
    func decoded<Method>(as type: Method.Type) -> Method {
        decoded.assumingMemoryBound(to: Method.self).pointee
    }
}
#endif

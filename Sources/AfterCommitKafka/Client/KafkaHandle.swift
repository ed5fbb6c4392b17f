#if Kafka
import AfterCommit
import CRDKafka
import Foundation
import Logging

/// One client of the C library and the queue of its events. Only its actor's thread uses it.
final class KafkaHandle {
    enum Kind {
        case producer
        case consumer
    }

    let pointer: OpaquePointer
    /// Delivery reports, rebalances, errors and logs.
    private var queue: OpaquePointer?
    /// A consumer's messages, apart from its events: they wait there until somebody takes them.
    private(set) var messages: OpaquePointer?
    /// The events of a consumer that is closing.
    private var closing: OpaquePointer?
    /// Whether a consumer asked to join its group, and was not given its first partitions.
    var isJoining = false
    /// Raised from the library's threads.
    private let signal: Signal

    /// - Parameters:
    ///   - signal: raised when there are events again.
    /// - Throws: ``KafkaError`` for properties that do not fit together, or files that cannot be read.
    init(
        _ kind: Kind, _ configuration: KafkaConfiguration, _ properties: [String: String], signal: Signal
    ) throws(KafkaError) {
        let settings = try configuration.clientConfiguration(properties)
        let events = RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG
        rd_kafka_conf_set_events(
            settings, events | (kind == .producer ? RD_KAFKA_EVENT_DR : RD_KAFKA_EVENT_REBALANCE))
        var text = [CChar](repeating: 0, count: 512)
        let type = kind == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
        guard let pointer = rd_kafka_new(type, settings, &text, text.count) else {
            // The client takes the settings over only where it was made.
            rd_kafka_conf_destroy(settings)
            let message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw KafkaError(.invalidConfiguration, KafkaError.escaped(message))
        }
        self.pointer = pointer
        self.signal = signal
        if kind == .consumer {
            // Errors and logs come with the rebalances.
            rd_kafka_poll_set_consumer(pointer)
            queue = rd_kafka_queue_get_consumer(pointer)
            messages = rd_kafka_queue_new(pointer)
        } else {
            queue = rd_kafka_queue_get_main(pointer)
        }
        guard let queue else {
            rd_kafka_destroy(pointer)
            throw KafkaError(.invalidConfiguration, "the client has no queue for its events")
        }
        let logs = rd_kafka_set_log_queue(pointer, nil)
        guard logs == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(logs) }
        listen(to: queue)
        if let messages { listen(to: messages) }
    }

    deinit {
        guard queue != nil else { return }
        guard canBeDestroyed else { return abandon() }
        // Nobody closed it. Ending the library's threads may take a moment, which no other thread has to wait for.
        disconnect()
        let address = UInt(bitPattern: pointer)
        let thread = Thread { rd_kafka_destroy_flags(OpaquePointer(bitPattern: address), Self.withoutClosing) }
        thread.name = "kafka-end"
        thread.start()
    }

    private static let withoutClosing = Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)

    /// Raises the signal when something comes into an empty queue.
    private func listen(to queue: OpaquePointer) {
        rd_kafka_queue_cb_event_enable(
            queue,
            { _, opaque in
                guard let opaque else { return }
                Unmanaged<Signal>.fromOpaque(opaque).takeUnretainedValue().raise()
            }, Unmanaged.passUnretained(signal).toOpaque())
    }

    /// The next event; `nil` where there is none now.
    func nextEvent() -> KafkaEvent? {
        guard let queue = closing ?? queue, let event = rd_kafka_queue_poll(queue, 0) else { return nil }
        return KafkaEvent(event)
    }

    /// Begins to close a consumer: its last events follow.
    func startClosing() throws(KafkaError) {
        guard closing == nil else { return }
        closing = rd_kafka_queue_new(pointer)
        guard let closing else { return }
        listen(to: closing)
        if let error = rd_kafka_consumer_close_queue(pointer, closing) { throw KafkaError(taking: error) }
    }

    /// Whether a consumer has committed and left.
    var isClosed: Bool { rd_kafka_consumer_closed(pointer) != 0 }

    /// Lets go of the queues: nothing comes any more.
    private func disconnect() {
        for queue in [queue, messages, closing] {
            guard let queue else { continue }
            rd_kafka_queue_cb_event_enable(queue, nil, nil)
            rd_kafka_queue_destroy(queue)
        }
        (queue, messages, closing) = (nil, nil, nil)
    }

    /// Before version 2.3 the library ends the process with a consumer that is destroyed while it joins (librdkafka, pull request
    /// 4381).
    private var canBeDestroyed: Bool { !isJoining || rd_kafka_version() >= 0x0203_00FF }

    /// Lets it leave its group, and keeps what it has until the process ends.
    private func abandon() {
        if closing == nil, let error = rd_kafka_consumer_close_queue(pointer, queue) { rd_kafka_error_destroy(error) }
        // Nobody takes what it reports.
        rd_kafka_set_log_level(pointer, 0)
        disconnect()
    }

    /// Ends the client, and waits for its threads. What it did not send is dropped.
    func destroy() {
        guard queue != nil else { return }
        guard canBeDestroyed else { return abandon() }
        disconnect()
        rd_kafka_destroy_flags(pointer, Self.withoutClosing)
    }

    /// The fatal error that the client reported; `nil` where it can go on.
    var fatalError: KafkaError? {
        var text = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(pointer, &text, text.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return KafkaError(code, message)
    }
}
#endif

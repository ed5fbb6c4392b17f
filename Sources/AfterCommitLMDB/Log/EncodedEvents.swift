#if LMDB
import AfterCommit
import Foundation

/// Events in their stored form, one behind the other, ready to be copied into the log.
struct EncodedEvents: ~Copyable, Sendable {
    /// How an event is stored that does not simply go to the end of the log.
    struct Exceptional: Sendable {
        var deliverAt: Date?
        var deduplication: Emission.Deduplication?

        /// What it needs beside the envelope, about.
        var furtherBytes: Int { 3 * (deduplication?.key.utf8.count ?? 0) + 64 }
    }

    /// Where the bytes are that events of one Swift type have in common.
    private struct Shared {
        let event: ObjectIdentifier
        /// The type's name.
        let type: Range<Int>
        /// Schema version, source and content type.
        let origin: Range<Int>
    }

    private let source: String
    private let contentType: String
    private var buffer: ByteBuffer
    /// Where each of them ends.
    private var ends: [Int] = []
    /// As far as there are any; the rest has none.
    private var exceptional: [Exceptional?] = []
    private var shared: Shared?
    /// What all of them take in the log, about.
    private(set) var storedBytes = 0

    /// Whether one of them has a delay or a deduplication key.
    var hasExceptional: Bool { exceptional.contains { $0 != nil } }
    /// Whether one of them has a delay.
    var hasDelayed: Bool { exceptional.contains { $0?.deliverAt != nil } }
    var count: Int { ends.count }
    var isEmpty: Bool { ends.isEmpty }
    /// How many bytes of memory it has.
    var capacity: Int { buffer.capacity }

    /// - Parameters:
    ///   - contentType: of the payloads. Default `nil`: the coder's.
    ///   - capacity: the bytes that are expected.
    init(for envelopes: EnvelopeFactory, contentType: String? = nil, capacity: Int = 512) {
        source = envelopes.source
        self.contentType = contentType ?? envelopes.coder.contentType
        buffer = ByteBuffer(capacity: capacity)
    }

    init(_ emissions: [Emission], for envelopes: EnvelopeFactory) throws {
        self.init(for: envelopes, capacity: 512 * emissions.count)
        for emission in emissions { try append(emission, coder: envelopes.coder) }
    }

    // MARK: Filling

    mutating func append(_ emission: Emission, coder: any EventCoder) throws {
        let envelope = emission.envelope
        let payload = try envelope.bytes(using: coder)
        payload.withUnsafeBytes { payload in
            buffer.append(atMost: BytePointer.roomBytes(for: envelope, payload: payload)) {
                $0.put(envelope, payload: payload)
            }
        }
        let exceptional: Exceptional? =
            if emission.deliverAt == nil, emission.deduplication == nil {
                nil
            } else {
                Exceptional(deliverAt: emission.deliverAt, deduplication: emission.deduplication)
            }
        added(exceptional)
    }

    /// Encodes an event. A key that it is known by is not looked for. After an error these are not to be used.
    mutating func append<E: Event>(_ event: E, _ options: EmitOptions, _ envelopes: EnvelopeFactory) throws {
        var options = options
        let head = try envelopes.examine(event, &options)
        if options.namesOneEvent {
            let emission = try envelopes.emission(event, head, options: options, form: .bytes)
            return try append(emission, coder: envelopes.coder)
        }
        try envelopes.withPayload(of: event) { payload in
            append(ObjectIdentifier(E.self), head, envelopes.stamp(head, options), options.deliverAt, payload: payload)
        }
    }

    /// Writes an event's envelope around its payload; no other value of it is made.
    /// - Parameter event: its Swift type. Those of one have name, schema version, source and content type in common.
    mutating func append(
        _ event: ObjectIdentifier, _ head: EventHead, _ stamp: EventStamp, _ deliverAt: Date?,
        payload: UnsafeRawBufferPointer
    ) {
        if let shared, shared.event == event {
            let sharedBytes = shared.type.count + shared.origin.count
            let base = buffer.count
            buffer.append(atMost: sharedBytes + BytePointer.furtherRoomBytes(head.orderingKey, stamp.headers, payload))
            { end in
                let first = UnsafeRawPointer(end.address - base)
                end.put(stamp.id)
                end.copy(UnsafeRawBufferPointer(start: first + shared.type.lowerBound, count: shared.type.count))
                end.put(head.orderingKey)
                end.put(stamp.time)
                end.copy(UnsafeRawBufferPointer(start: first + shared.origin.lowerBound, count: shared.origin.count))
                end.put(stamp.headers)
                end.put(payload)
            }
        } else {
            shared = putFirst(event, head, stamp, payload)
        }
        added(deliverAt.map { Exceptional(deliverAt: $0) })
    }

    /// The same for an event of another Swift type than the one before.
    private mutating func putFirst(
        _ event: ObjectIdentifier, _ head: EventHead, _ stamp: EventStamp, _ payload: UnsafeRawBufferPointer
    ) -> Shared {
        let sharedBytes = head.type.rawValue.utf8.count + source.utf8.count + contentType.utf8.count
        let base = buffer.count
        var type = 0..<0
        var origin = 0..<0
        let (source, contentType) = (source, contentType)
        buffer.append(atMost: sharedBytes + BytePointer.furtherRoomBytes(head.orderingKey, stamp.headers, payload)) {
            end in
            let first = end.address - base
            end.put(stamp.id)
            let typeStart = end.address - first
            end.put(head.type.rawValue)
            type = typeStart..<end.address - first
            end.put(head.orderingKey)
            end.put(stamp.time)
            let originStart = end.address - first
            end.put(head.schemaVersion)
            end.put(source)
            end.put(contentType)
            origin = originStart..<end.address - first
            end.put(stamp.headers)
            end.put(payload)
        }
        return Shared(event: event, type: type, origin: origin)
    }

    private mutating func added(_ exception: Exceptional?) {
        storedBytes += Self.storedBytes(from: ends.last ?? 0, to: buffer.count, exception)
        if let exception {
            while exceptional.count < ends.count { exceptional.append(nil) }
            exceptional.append(exception)
        }
        ends.append(buffer.count)
    }

    private static func storedBytes(from start: Int, to end: Int, _ exceptional: Exceptional?) -> Int {
        Space.storedBytes(of: LogRecord.headerBytes + end - start + (exceptional?.furtherBytes ?? 0))
    }

    /// Takes the last ones back.
    mutating func truncate(to count: Int) {
        while ends.count > count, let end = ends.popLast() {
            let start = ends.last ?? 0
            let exception = ends.count < exceptional.count ? exceptional.removeLast() : nil
            storedBytes -= Self.storedBytes(from: start, to: end, exception)
            buffer.truncate(to: start)
        }
        if let shared, shared.origin.upperBound > buffer.count { self.shared = nil }
    }

    // MARK: Reading

    /// The ids, in order.
    var ids: [EventID] { (0..<count).map { id(at: $0) } }

    func id(at index: Int) -> EventID {
        // An envelope begins with its id.
        let bytes = self[index]
        return EventID(
            high: UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// The encoded envelope, valid until the next change.
    subscript(index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer.bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }

    /// The earlier one of these events that a deduplication key stands for.
    func first(with key: Emission.Deduplication) -> (id: EventID, deduplication: Emission.Deduplication)? {
        guard let index = exceptional.firstIndex(where: { $0?.deduplication?.key == key.key }),
            let deduplication = exceptional[index]?.deduplication
        else { return nil }
        return (id(at: index), deduplication)
    }

    func exceptional(at index: Int) -> Exceptional? {
        index < exceptional.count ? exceptional[index] : nil
    }
}
#endif

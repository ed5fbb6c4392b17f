import Foundation
public import Tracing

/// Puts events into envelopes: id, time, trace context, limits.
public struct EnvelopeFactory: Sendable {
    /// CloudEvents `source` of what is emitted, a URI reference. Default `/`.
    public var source: String
    /// The largest encoded payload, in bytes. Default 1 MiB (1,048,576).
    public var maxPayloadBytes: Int
    /// Encodes payloads where the storage keeps bytes. Default JSON.
    public var coder: any EventCoder
    /// Makes the ids.
    public var ids: EventIDGenerator
    /// Dates the events.
    public var wallClock: any WallClock
    /// Look at each event before it is stored, one after another. Default none.
    public var interceptors: [any EmitInterceptor]
    /// Makes the spans of emits and carries their context in the events. Default `nil`: the system's.
    public var tracer: (any Tracer)?

    /// The longest ordering key, in bytes of UTF-8.
    public static let maxOrderingKeyBytes = 400
    /// The longest deduplication key, in bytes of UTF-8.
    public static let maxDeduplicationKeyBytes = 200

    public init(
        source: String = "/",
        maxPayloadBytes: Int = 1_048_576,
        coder: any EventCoder = JSONEventCoder(),
        ids: EventIDGenerator? = nil,
        wallClock: any WallClock = SystemWallClock(),
        interceptors: [any EmitInterceptor] = [],
        tracer: (any Tracer)? = nil
    ) {
        self.tracer = tracer
        self.source = source
        self.maxPayloadBytes = maxPayloadBytes
        self.coder = coder
        self.ids = ids ?? EventIDGenerator(wallClock: wallClock)
        self.wallClock = wallClock
        self.interceptors = interceptors
    }

    /// How the payload goes into the envelope.
    package enum PayloadForm: Sendable {
        /// The Swift value: nothing is encoded.
        case value
        /// The Swift value as it comes back after encoding and decoding, to catch what another storage would refuse.
        case checkedValue
        /// The encoded bytes.
        case bytes
    }

    /// An event ready to be stored.
    package func emission<E: Event>(
        _ event: E, options: EmitOptions, form: PayloadForm
    ) throws -> Emission {
        var options = options
        let head = try examine(event, &options)
        return try emission(event, head, options: options, form: form)
    }

    /// An event that was examined, ready to be stored.
    package func emission<E: Event>(
        _ event: E, _ head: EventHead, options: EmitOptions, form: PayloadForm
    ) throws -> Emission {
        let payload = try payload(event, form)
        let stamp = stamp(head, options)
        let envelope = Envelope(
            id: stamp.id, type: head.type, source: source, time: stamp.time, schemaVersion: head.schemaVersion,
            orderingKey: head.orderingKey, headers: stamp.headers, contentType: coder.contentType, payload: payload)
        guard options.namesOneEvent else {
            return Emission(envelope: envelope, deliverAt: options.deliverAt)
        }
        return Emission(
            envelope: envelope, deliverAt: options.deliverAt,
            deduplication: try deduplication(of: event, id: stamp.id, options))
    }

    /// Several events ready to be stored, with the same options.
    package func emissions<E: Event>(
        _ events: [E], options: EmitOptions, form: PayloadForm
    ) throws -> [Emission] {
        try Self.check(options, forCount: events.count)
        return try events.map { try emission($0, options: options, form: form) }
    }

    /// One key or id cannot stand for several events.
    package static func check(_ options: EmitOptions, forCount count: Int) throws {
        guard count < 2 || !options.namesOneEvent else { throw EmitError.oneKeyForSeveralEvents }
    }

    // MARK: Parts

    /// Asks the interceptors, and checks what the event and its options say beside the payload.
    package func examine<E: Event>(_ event: E, _ options: inout EmitOptions) throws -> EventHead {
        if !interceptors.isEmpty { try intercept(event, &options) }
        let type = E.type
        guard !type.rawValue.isEmpty else { throw EmitError.emptyEventType }
        let orderingKey = event.orderingKey
        if let bytes = orderingKey?.utf8.count, bytes > Self.maxOrderingKeyBytes {
            throw EmitError.orderingKeyTooLong(bytes: bytes, limit: Self.maxOrderingKeyBytes)
        }
        if !options.headers.isEmpty {
            for name in options.headers.keys where !Self.isValidHeaderName(name) {
                throw EmitError.invalidHeader(name: name)
            }
        }
        return EventHead(type: type, schemaVersion: E.schemaVersion, orderingKey: orderingKey)
    }

    /// A new event's id, date and headers.
    package func stamp(_ head: EventHead, _ options: EmitOptions) -> EventStamp {
        let now = wallClock.now()
        let id = options.id ?? ids.next(at: now)
        return EventStamp(
            id: id, time: now,
            headers: EventTracing.injectingSend(of: head.type, id: id, into: options.headers, tracer: tracer))
    }

    /// Lends the encoded payload, checked, for a storage that copies it. `body` has run once when this returns; when it throws,
    /// it may have run too.
    package func withPayload<E: Event>(of event: E, _ body: (UnsafeRawBufferPointer) -> Void) throws {
        var isLent = false
        do {
            try coder.encode(event) { bytes in
                guard bytes.count <= maxPayloadBytes else {
                    throw EmitError.payloadTooLarge(bytes: bytes.count, limit: maxPayloadBytes)
                }
                guard !isLent else { throw UnsuitableCoder() }
                isLent = true
                body(bytes)
            }
            guard isLent else { throw UnsuitableCoder() }
        } catch let error as EmitError {
            throw error
        } catch {
            throw EmitError.encodingFailed(type: E.type, reason: String(describing: error))
        }
    }

    private struct UnsuitableCoder: Error, CustomStringConvertible {
        var description: String { "the coder did not give the event's bytes exactly once" }
    }

    private func intercept(_ event: any Event, _ options: inout EmitOptions) throws {
        for interceptor in interceptors {
            do {
                try interceptor.willEmit(event, options: &options)
            } catch {
                throw EmitError.refused(type: Swift.type(of: event).type, reason: String(describing: error))
            }
        }
    }

    private func payload<E: Event>(_ event: E, _ form: PayloadForm) throws -> Envelope.Payload {
        if case .value = form { return .value(event) }
        do {
            let bytes = try coder.encode(event)
            guard bytes.count <= maxPayloadBytes else {
                throw EmitError.payloadTooLarge(bytes: bytes.count, limit: maxPayloadBytes)
            }
            if case .bytes = form { return .bytes(bytes) }
            return .value(try coder.decode(E.self, from: bytes))
        } catch let error as EmitError {
            throw error
        } catch {
            throw EmitError.encodingFailed(type: E.type, reason: String(describing: error))
        }
    }

    private func deduplication<E: Event>(
        of event: E, id: EventID, _ options: EmitOptions
    ) throws -> Emission.Deduplication {
        if let bytes = options.deduplicationKey?.utf8.count, !(1...Self.maxDeduplicationKeyBytes).contains(bytes) {
            throw EmitError.deduplicationKeyLength(bytes: bytes, limit: Self.maxDeduplicationKeyBytes)
        }
        do {
            return Emission.Deduplication(
                key: options.deduplicationKey.map { Emission.Deduplication.callersPrefix + $0 } ?? "id/\(id)",
                fingerprint: Emission.Deduplication.fingerprint(
                    type: E.type, payload: try JSONEventCoder.canonicalBytes(of: event)))
        } catch {
            throw EmitError.encodingFailed(type: E.type, reason: String(describing: error))
        }
    }

    /// The attributes that the envelope itself carries.
    private static let reservedNames: Set<String> = [
        "data", "id", "source", "specversion", "type", "subject", "time", "datacontenttype",
        "dataschema", "partitionkey", "sequence",
    ]

    /// CloudEvents 1.0, "Naming conventions": lower-case letters and digits, at most 20, no other attribute's name.
    static func isValidHeaderName(_ name: String) -> Bool {
        (1...20).contains(name.utf8.count) && !reservedNames.contains(name)
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
            }
    }
}

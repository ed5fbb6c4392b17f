#if HTTP
public import AfterCommit

/// How an ``HTTPEventSink`` delivers.
public struct HTTPEventSinkConfiguration: Sendable {
    /// Where a CloudEvent's attributes go (CloudEvents 1.0 HTTP binding, section 3).
    public enum ContentMode: Sendable {
        /// Into headers; the body is the payload.
        case binary
        /// Into one JSON object, `application/cloudevents+json`, with the payload in `data` or `data_base64`.
        case structured
    }

    /// How long one delivery may take in all, the answer's body included. Default 15 s.
    /// A subscription whose policy has a shorter timeout ends its attempts itself.
    public var timeout: Duration
    /// How much of an answer's body is read, in bytes; past it the connection is dropped. Default 65,536.
    public var maxResponseBodyBytes: Int
    /// Which addresses may be connected to. Default: public ones only.
    public var addresses: AddressRules
    /// Default ``ContentMode/binary``.
    public var contentMode: ContentMode
    /// Sign each delivery by Standard Webhooks, once with each secret: two while one is changed for the other.
    /// Default none: unsigned.
    public var webhookSecrets: [WebhookSecret]
    /// Put before the event's type with a dot: `com.example` sends `com.example.order.placed`. Default none.
    public var eventTypePrefix: String?
    /// CloudEvents `source`, a URI reference. Default `nil`: the envelope's own.
    public var source: String?
    /// Sent with every delivery, such as `authorization`. Names that the sink itself sends are refused.
    public var headers: [String: String]
    /// Measures ``timeout``.
    public var clock: any Clock<Duration>
    /// Turns the date of a Retry-After into a delay, and dates signatures.
    public var wallClock: any WallClock

    public init(
        timeout: Duration = .seconds(15),
        maxResponseBodyBytes: Int = 65_536,
        addresses: AddressRules = .publicOnly,
        contentMode: ContentMode = .binary,
        webhookSecrets: [WebhookSecret] = [],
        eventTypePrefix: String? = nil,
        source: String? = nil,
        headers: [String: String] = [:],
        clock: any Clock<Duration> = ContinuousClock(),
        wallClock: any WallClock = SystemWallClock()
    ) {
        self.timeout = timeout
        self.maxResponseBodyBytes = maxResponseBodyBytes
        self.addresses = addresses
        self.contentMode = contentMode
        self.webhookSecrets = webhookSecrets
        self.eventTypePrefix = eventTypePrefix
        self.source = source
        self.headers = headers
        self.clock = clock
        self.wallClock = wallClock
    }
}
#endif

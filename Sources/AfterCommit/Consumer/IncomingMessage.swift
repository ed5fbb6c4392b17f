public import Foundation

/// A message as a broker gave it out.
public struct IncomingMessage: Sendable {
    /// By what the source knows it: two numbers whose meaning is the source's own, such as a connection and a delivery tag.
    public struct Receipt: Sendable, Hashable {
        public var channel: UInt64
        public var tag: UInt64

        public init(channel: UInt64, tag: UInt64) {
            self.channel = channel
            self.tag = tag
        }
    }

    public var receipt: Receipt
    /// Byte for byte.
    public var body: Data
    /// The media type, where the transport says one.
    public var contentType: String?
    /// The transport's headers by their names on the wire, as texts.
    public var headers: [String: String]
    /// The CloudEvents attributes among the headers, by their names in CloudEvents.
    public var attributes: [String: String]
    /// The transport's key for ordering.
    public var key: String?
    /// How often it was given out before, as far as the broker tells.
    public var redeliveries: Int

    /// - Parameters:
    ///   - receipt: by what the source knows it.
    ///   - body: byte for byte.
    ///   - contentType: the media type, where the transport says one.
    ///   - headers: the transport's headers by their names on the wire.
    ///   - attributePrefixes: what the names of headers begin with that are attributes, such as `ce_`.
    ///   - key: the transport's key for ordering.
    ///   - redeliveries: how often it was given out before.
    public init(
        receipt: Receipt, body: Data, contentType: String? = nil, headers: [String: String] = [:],
        attributePrefixes: [String] = [], key: String? = nil, redeliveries: Int = 0
    ) {
        self.receipt = receipt
        self.body = body
        self.contentType = contentType
        self.headers = headers
        self.key = key
        self.redeliveries = redeliveries
        attributes = [:]
        attributes.reserveCapacity(attributePrefixes.isEmpty ? 0 : headers.count)
        for (name, value) in headers {
            // By bytes: characters would have to be found in each name.
            guard let prefix = attributePrefixes.first(where: { name.utf8.starts(with: $0.utf8) }) else { continue }
            attributes[String(Substring(name.utf8.dropFirst(prefix.utf8.count)))] = value
        }
    }

    /// The event that it carries, in binary or structured mode.
    /// - Throws: ``CloudEventError`` where it carries none.
    public func cloudEvent() throws(CloudEventError) -> CloudEvent {
        switch try CloudEvent.mode(ofContentType: contentType) {
        case .structured: try CloudEvent(structured: body)
        case .binary: try CloudEvent(attributes: attributes, contentType: contentType, data: body)
        }
    }
}

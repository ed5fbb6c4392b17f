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

    /// A header of the transport: its name on the wire, and its value as text.
    public struct Header: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public var receipt: Receipt
    /// Byte for byte.
    public var body: Data
    /// The media type, where the transport says one.
    public var contentType: String?
    /// The transport's headers in the order of their coming. Where a name is there twice the last one counts.
    public var allHeaders: [Header]
    /// What the names of headers begin with that are CloudEvents attributes.
    public var attributePrefixes: [String]
    /// The transport's key for ordering.
    public var key: String?
    /// How often it was given out before, as far as the broker tells.
    public var redeliveries: Int

    /// - Parameters:
    ///   - receipt: by what the source knows it.
    ///   - body: byte for byte.
    ///   - contentType: the media type, where the transport says one.
    ///   - allHeaders: the transport's headers. Where a name is there twice the last one counts.
    ///   - attributePrefixes: what the names of headers begin with that are attributes, such as `ce_`.
    ///   - key: the transport's key for ordering.
    ///   - redeliveries: how often it was given out before.
    public init(
        receipt: Receipt, body: Data, contentType: String? = nil, allHeaders: [Header],
        attributePrefixes: [String] = [], key: String? = nil, redeliveries: Int = 0
    ) {
        self.receipt = receipt
        self.body = body
        self.contentType = contentType
        self.allHeaders = allHeaders
        self.attributePrefixes = attributePrefixes
        self.key = key
        self.redeliveries = redeliveries
    }

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
        self.init(
            receipt: receipt, body: body, contentType: contentType,
            allHeaders: headers.map { Header($0.key, $0.value) }, attributePrefixes: attributePrefixes, key: key,
            redeliveries: redeliveries)
    }
}

extension IncomingMessage {
    /// The transport's headers by their names on the wire; made anew each time.
    public var headers: [String: String] {
        Dictionary(allHeaders.lazy.map { ($0.name, $0.value) }) { $1 }
    }

    /// The CloudEvents attributes among the headers, by their names in CloudEvents; made anew each time.
    public var attributes: [String: String] {
        Dictionary(binaryAttributes.lazy.map { ($0.name, $0.value) }) { $1 }
    }

    /// The attributes among the headers, as often as they are there.
    private var binaryAttributes: [CloudEvent.Attribute] {
        var found: [CloudEvent.Attribute] = []
        found.reserveCapacity(allHeaders.count)
        for header in allHeaders {
            guard let prefix = attributePrefixes.first(where: header.name.hasBytes) else { continue }
            let name = String(Substring(header.name.utf8.dropFirst(prefix.utf8.count)))
            found.append(CloudEvent.Attribute(name: name, value: header.value))
        }
        return found
    }

    /// The event that it carries, in binary or structured mode.
    /// - Throws: ``CloudEventError`` where it carries none.
    public func cloudEvent() throws(CloudEventError) -> CloudEvent {
        switch try CloudEvent.mode(ofContentType: contentType) {
        case .structured: return try CloudEvent(structured: body)
        case .binary:
            let found = binaryAttributes
            // A name that is there twice is rare: only then is a dictionary worth its price.
            return found.hasUniqueNames
                ? try CloudEvent(received: found, contentType: contentType, data: body)
                : try CloudEvent(attributes: attributes, contentType: contentType, data: body)
        }
    }
}

extension String {
    /// Whether it begins with these bytes. Characters would have to be found first.
    fileprivate func hasBytes(_ prefix: String) -> Bool {
        var (text, prefix) = (self, prefix)
        return text.withUTF8 { text in
            prefix.withUTF8 { prefix in
                text.count >= prefix.count && text.prefix(prefix.count).elementsEqual(prefix)
            }
        }
    }
}

extension [CloudEvent.Attribute] {
    /// Whether no name is there twice. Many names are not compared with each other: a message could have thousands.
    fileprivate var hasUniqueNames: Bool {
        guard count <= 32 else { return false }
        for index in indices.dropFirst() where self[..<index].contains(where: { $0.name == self[index].name }) {
            return false
        }
        return true
    }
}

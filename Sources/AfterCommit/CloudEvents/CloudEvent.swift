public import Foundation

/// An event as CloudEvents 1.0 has it, apart from how a transport carries it.
///
/// A sink makes one of each outgoing event and writes its ``attributes`` where its transport's binding puts them, or sends
/// ``structured()``. A source makes one of each message, with ``init(attributes:contentType:data:)`` or
/// ``init(structured:)``.
public struct CloudEvent: Sendable, Hashable {
    /// One attribute or extension, with the text that a transport carries.
    public struct Attribute: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// All but `datacontenttype`, each name once, in a fixed order; `specversion`, `id`, `source` and `type` come first.
    public let attributes: [Attribute]
    /// `datacontenttype`; `nil` where a received event has none.
    public let contentType: String?
    /// The payload, byte for byte.
    public let data: Data

    public var id: String { attributes[1].value }
    public var source: String { attributes[2].value }
    public var type: String { attributes[3].value }

    /// The value of an attribute or an extension.
    public subscript(name: String) -> String? {
        attributes.first { $0.name == name }?.value
    }

    static let specVersion = "1.0"

    /// - Parameter attributes: each name once, those that are required in front.
    private init(ordered attributes: [Attribute], contentType: String?, data: Data) {
        self.attributes = attributes
        self.contentType = contentType
        self.data = data
    }

    /// The attributes in front, with room for so many others.
    private static func required(
        id: String, source: String, type: String, others: Int
    ) -> [Attribute] {
        var attributes: [Attribute] = []
        attributes.reserveCapacity(4 + others)
        attributes.append(Attribute(name: "specversion", value: specVersion))
        attributes.append(Attribute(name: "id", value: id))
        attributes.append(Attribute(name: "source", value: source))
        attributes.append(Attribute(name: "type", value: type))
        return attributes
    }
}

// MARK: Outgoing

/// How events are named outside.
public struct CloudEventNaming: Sendable, Hashable {
    /// Put before the event's type with a dot: `com.example` sends `com.example.order.placed`. Default none.
    public var typePrefix: String?
    /// CloudEvents `source`, a URI reference. Default `nil`: the envelope's own.
    public var source: String?

    public init(typePrefix: String? = nil, source: String? = nil) {
        self.typePrefix = typePrefix
        self.source = source
    }
}

extension CloudEvent {
    /// An event on its way out.
    ///
    /// `subject` and `partitionkey` are its ordering key, `sequence` its place in commit order as digits of one length, and
    /// `schemaversion` the version of the payload's shape where it is not 1. Its headers are extensions.
    public init(_ event: OutgoingEvent, naming: CloudEventNaming = CloudEventNaming()) {
        let envelope = event.context.envelope
        var attributes = Self.required(
            id: envelope.id.description, source: naming.source ?? envelope.source,
            type: naming.typePrefix.map { "\($0).\(envelope.type)" } ?? envelope.type.rawValue,
            others: 5 + envelope.headers.count)
        attributes.append(Attribute(name: "time", value: CivilDate.rfc3339(envelope.time)))
        if let key = envelope.orderingKey {
            attributes.append(Attribute(name: "subject", value: key))
            attributes.append(Attribute(name: "partitionkey", value: key))
        }
        attributes.append(Attribute(name: "sequence", value: Self.digits(event.context.delivery.sequence)))
        if envelope.schemaVersion != 1 {
            attributes.append(Attribute(name: "schemaversion", value: String(envelope.schemaVersion)))
        }
        if !envelope.headers.isEmpty {
            // An extension that is named like an attribute must not take its place.
            var taken = Self.reserved.union(attributes.map(\.name))
            for (name, value) in envelope.headers.sorted(by: { $0.key < $1.key }) {
                let name = name.lowercased()
                if taken.insert(name).inserted { attributes.append(Attribute(name: name, value: value)) }
            }
        }
        self.init(ordered: attributes, contentType: envelope.contentType, data: event.payload)
    }

    /// A number as 20 digits, as many as the largest has.
    private static func digits(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 20) { bytes in
            bytes.putDigits(number, 20, at: 0)
            return 20
        }
    }

    /// The content type and the data have places of their own.
    private static let reserved: Set<String> = [
        "specversion", "id", "source", "type", "datacontenttype", "data", "data_base64",
    ]
}

// MARK: Incoming

extension CloudEvent {
    /// A received event in binary mode: attributes beside the data.
    /// - Parameters:
    ///   - attributes: by their names in CloudEvents, without the transport's prefix.
    ///   - contentType: what the transport says of the data. It is `datacontenttype`, and wins over an attribute of that name.
    ///   - data: the message's body.
    /// - Throws: ``CloudEventError`` for attributes that are not those of an event.
    public init(attributes: [String: String], contentType: String?, data: Data) throws(CloudEventError) {
        try self.init(
            received: attributes.map { Attribute(name: $0.key, value: $0.value) }, contentType: contentType, data: data)
    }

    /// The same.
    /// - Parameter attributes: in any order, each name once.
    init(received attributes: [Attribute], contentType: String?, data: Data) throws(CloudEventError) {
        var version: String?
        var (id, source, type, ownContentType) = ("", "", "", String?.none)
        var others: [Attribute] = []
        var illegalName: String?
        for attribute in attributes {
            switch attribute.name {
            case "specversion": version = attribute.value
            case "id": id = attribute.value
            case "source": source = attribute.value
            case "type": type = attribute.value
            case "datacontenttype": ownContentType = attribute.value
            // A payload has no place among attributes.
            case "data": continue
            case let name:
                guard Self.isName(name) else {
                    illegalName = name
                    continue
                }
                if others.isEmpty { others.reserveCapacity(attributes.count) }
                others.append(attribute)
            }
        }
        guard let version else { throw CloudEventError(.notAnEvent) }
        guard version == Self.specVersion else { throw CloudEventError(.specVersion, version) }
        if let illegalName { throw CloudEventError(.attributeName, illegalName) }
        for (name, value) in [("id", id), ("source", source), ("type", type)] where value.isEmpty {
            throw CloudEventError(.missingAttribute, name)
        }
        var ordered = Self.required(id: id, source: source, type: type, others: others.count)
        others.sort { $0.name < $1.name }
        ordered += others
        self.init(ordered: ordered, contentType: contentType ?? ownContentType, data: data)
    }

    /// CloudEvents 1.0, "Naming conventions": lower-case letters and digits. Its 20 characters are only a recommendation.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}

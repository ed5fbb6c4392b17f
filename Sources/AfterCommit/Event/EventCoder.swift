public import Foundation

/// Turns events into stored bytes and back.
public protocol EventCoder: Sendable {
    /// The media type of the bytes, the CloudEvents attribute `datacontenttype`.
    var contentType: String { get }

    func encode<E: Event>(_ event: E) throws -> Data
    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E

    /// Decodes what is not an event: the earlier shape of one, the result in an inbox. Default JSON.
    func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value
    /// Encodes what is not an event: the result in an inbox. Default JSON.
    func encodeValue<Value: Encodable>(_ value: Value) throws -> Data
}

extension EventCoder {
    public func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value {
        try JSONEventCoder().decodeValue(type, from: bytes)
    }

    public func encodeValue<Value: Encodable>(_ value: Value) throws -> Data {
        try JSONEventCoder().encodeValue(value)
    }
}

/// JSON with ISO 8601 dates in milliseconds, the default. A date that needs more belongs in a number.
public struct JSONEventCoder: EventCoder {
    public let contentType = "application/json"
    private static let milliseconds = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private let encoder: JSONEncoder
    private let decoder: JSONDecoder

    public init() {
        encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(Self.milliseconds))
        }
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            if let date = try? Self.milliseconds.parse(text) { return date }
            if let date = try? Date.ISO8601FormatStyle().parse(text) { return date }
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no ISO 8601 date")
        }
    }

    public func encode<E: Event>(_ event: E) throws -> Data {
        try encoder.encode(event)
    }

    public func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E {
        try decoder.decode(type, from: bytes)
    }

    public func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value {
        try decoder.decode(type, from: bytes)
    }

    public func encodeValue<Value: Encodable>(_ value: Value) throws -> Data {
        try encoder.encode(value)
    }
}

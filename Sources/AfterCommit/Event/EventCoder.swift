public import Foundation

/// Turns events into stored bytes and back.
public protocol EventCoder: Sendable {
    /// The media type of the bytes, the CloudEvents attribute `datacontenttype`.
    var contentType: String { get }

    func encode<E: Event>(_ event: E) throws -> Data
    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E
}

/// JSON with ISO 8601 dates, the default.
public struct JSONEventCoder: EventCoder {
    public let contentType = "application/json"
    private let encoder: JSONEncoder
    private let decoder: JSONDecoder

    public init() {
        encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
    }

    public func encode<E: Event>(_ event: E) throws -> Data {
        try encoder.encode(event)
    }

    public func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E {
        try decoder.decode(type, from: bytes)
    }
}

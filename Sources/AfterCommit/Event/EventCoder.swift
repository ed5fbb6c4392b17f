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

public import Foundation

/// Turns events into stored bytes and back.
public protocol EventCoder: Sendable {
    /// The media type of the bytes, the CloudEvents attribute `datacontenttype`.
    var contentType: String { get }

    func encode<E: Event>(_ event: E) throws -> Data
    /// Lends the bytes that ``encode(_:)`` would return, for a storage that copies them: a coder with a buffer of its own
    /// needs no `Data` then. `body` is called once, unless it throws. Default: the bytes of ``encode(_:)``.
    func encode<E: Event>(_ event: E, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E

    /// Decodes what is not an event: the earlier shape of one, the result in an inbox. Default JSON.
    func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value
    /// Encodes what is not an event: the result in an inbox. Default JSON.
    func encodeValue<Value: Encodable>(_ value: Value) throws -> Data
}

extension EventCoder {
    public func encode<E: Event>(_ event: E, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try encode(event).withUnsafeBytes(body)
    }

    public func decodeValue<Value: Decodable>(_ type: Value.Type, from bytes: Data) throws -> Value {
        try JSONEventCoder().decodeValue(type, from: bytes)
    }

    public func encodeValue<Value: Encodable>(_ value: Value) throws -> Data {
        try JSONEventCoder().encodeValue(value)
    }
}

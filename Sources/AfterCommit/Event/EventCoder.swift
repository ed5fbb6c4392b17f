public import Foundation

/// Turns events into stored bytes and back.
public protocol EventCoder: Sendable {
    /// The media type of the bytes, the CloudEvents attribute `datacontenttype`.
    var contentType: String { get }

    func encode<E: Event>(_ event: E) throws -> Data
    func decode<E: Event>(_ type: E.Type, from bytes: Data) throws -> E
}

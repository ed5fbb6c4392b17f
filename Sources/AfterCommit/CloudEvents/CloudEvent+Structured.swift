public import Foundation

/// Structured mode: one JSON object with attributes and data (CloudEvents JSON event format 1.0, sections 2 and 3).
extension CloudEvent {
    /// The media type of a structured event.
    public static let structuredContentType = "application/cloudevents+json"

    /// How a content type says that a message carries events.
    public enum ContentMode: Sendable, Hashable {
        /// Attributes beside the data.
        case binary
        /// One JSON object, with the payload in `data` or `data_base64`.
        case structured
    }

    /// The mode of a message with this content type.
    /// - Throws: ``CloudEventError`` for batches, and for formats other than JSON.
    public static func mode(ofContentType contentType: String?) throws(CloudEventError) -> ContentMode {
        // What most messages have is neither.
        guard let contentType, contentType != "application/json" else { return .binary }
        let type = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        guard type.hasPrefix("application/cloudevents") else { return .binary }
        switch type {
        case structuredContentType: return .structured
        case "application/cloudevents-batch+json": throw CloudEventError(.batch)
        default:
            throw CloudEventError(.structure, "\(type) is a format that cannot be read; use \(structuredContentType)")
        }
    }

    /// The event as one JSON object. The data goes into `data` byte for byte where it is JSON and says so, else into
    /// `data_base64`.
    public func structured() -> Data {
        var text = "{"
        for attribute in attributes + (contentType.map { [Attribute(name: "datacontenttype", value: $0)] } ?? []) {
            text += "\(JSONText.quoted(attribute.name)):\(JSONText.quoted(attribute.value)),"
        }
        guard JSONText.isMediaType(contentType ?? "application/json"), JSONText.isJSON(data) else {
            return Data("\(text)\"data_base64\":\"\(data.base64EncodedString())\"}".utf8)
        }
        return Data("\(text)\"data\":".utf8) + data + Data("}".utf8)
    }

    /// Reads a structured event. JSON in `data` is kept byte for byte; text in it is that text where `datacontenttype` says
    /// that the data is no JSON.
    /// - Throws: ``CloudEventError``.
    public init(structured bytes: Data) throws(CloudEventError) {
        guard JSONText.isJSON(bytes), let members = JSONMembers(ofValid: bytes) else {
            throw CloudEventError(.structure, "it is no JSON object")
        }
        var attributes: [String: String] = [:]
        var data: Data?
        var encoded: Data?
        for member in members.values {
            switch member.name {
            case "data":
                guard data == nil else { throw CloudEventError(.structure, "data is there twice") }
                data = member.bytes
            case "data_base64":
                guard !member.isNull else { continue }
                guard encoded == nil else { throw CloudEventError(.structure, "data_base64 is there twice") }
                guard let text = member.text, let decoded = Data(base64Encoded: text) else {
                    throw CloudEventError(.attributeValue, "data_base64")
                }
                encoded = decoded
            default:
                // Null is as good as absent (section 2.2).
                guard !member.isNull else { continue }
                guard let text = member.text ?? member.scalar else {
                    throw CloudEventError(.attributeValue, member.name)
                }
                guard attributes.updateValue(text, forKey: member.name) == nil else {
                    throw CloudEventError(.structure, "\(member.name) is there twice")
                }
            }
        }
        guard data == nil || encoded == nil else { throw CloudEventError(.structure, "it has data and data_base64") }
        let contentType = attributes["datacontenttype"]
        if let json = data, let contentType, !JSONText.isMediaType(contentType),
            let text = JSONMembers.text(of: json)
        {
            data = Data(text.utf8)
        }
        // Without a content type the data is JSON (section 3.1); binary data has none then.
        try self.init(
            attributes: attributes, contentType: contentType ?? (encoded == nil ? "application/json" : nil),
            data: data ?? encoded ?? Data())
    }
}

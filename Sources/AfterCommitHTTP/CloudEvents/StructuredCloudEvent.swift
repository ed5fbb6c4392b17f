#if HTTP
import Foundation

/// CloudEvents 1.0 in structured mode: one JSON object (JSON event format, sections 2 and 3).
enum StructuredCloudEvent {
    static let contentType = "application/cloudevents+json"

    /// - Parameter payload: goes into `data` byte for byte where it is JSON and says so, else into `data_base64`.
    static func encode(
        _ payload: Data, contentType: String, attributes: [(name: String, value: String)]
    ) -> Data {
        var text = "{"
        for (name, value) in attributes + [("datacontenttype", contentType)] {
            text += "\(JSONText.quoted(name)):\(JSONText.quoted(value)),"
        }
        guard JSONText.isMediaType(contentType), JSONText.isJSON(payload) else {
            return Data("\(text)\"data_base64\":\"\(payload.base64EncodedString())\"}".utf8)
        }
        return Data("\(text)\"data\":".utf8) + payload + Data("}".utf8)
    }
}
#endif

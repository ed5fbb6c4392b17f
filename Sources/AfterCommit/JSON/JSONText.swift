package import Foundation

/// JSON (RFC 8259) as text.
package enum JSONText {
    /// `text` as a JSON string, in its quotes, without control characters.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether `bytes` are one JSON value in UTF-8 that can stand inside another, as they are.
    package static func isJSON(_ bytes: Data) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        // Foundation's parser reads more than JSON: a comma too many, UTF-16, a byte order mark.
        return bytes.withUnsafeBytes { bytes in
            var check = JSONCheck(bytes)
            return check.isOneValue()
        }
    }

    /// Whether a media type is JSON's: `application/json`, `text/json`, `anything/anything+json`.
    package static func isMediaType(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type == "application/json" || type == "text/json" || type.hasSuffix("+json")
    }
}

#if HTTP
/// Text as header values can carry it.
enum HeaderValue {
    /// CloudEvents HTTP binding, section 3.1.3.2: space, quote, percent and all outside U+0021-7E percent-encoded.
    static func cloudEvent(_ text: String) -> String {
        percentEncoded(text) { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "%") }
    }

    /// A string of RFC 8941, section 3.3.3, in its quotes. What a string cannot hold is percent-encoded, and `%`
    /// too, so that two texts never become one.
    static func structuredString(_ text: String) -> String {
        let encoded = percentEncoded(text) { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "%") }
        return encoded.reduce(into: "\"") { result, character in
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        } + "\""
    }

    /// Whether `text` can be a header's name (RFC 9110, section 5.6.2).
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func percentEncoded(_ text: String, keep: (UInt8) -> Bool) -> String {
        // Ids, types and keys almost never need it.
        if text.utf8.allSatisfy(keep) { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if keep(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
#endif

import Foundation

extension OutboxRow {
    /// The payload as text for a column of a database's JSON type, or `nil` where such a column would refuse or change it:
    /// what is no JSON, escapes of NUL and of halves of surrogate pairs, numbers with exponents or very many digits.
    static func storedJSON(_ bytes: Data, contentType: String) -> String? {
        guard isJSON(contentType), bytes.withUnsafeBytes({ isPlain($0) }), JSONTape(bytes) != nil else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        return type == "application/json" || type.hasSuffix("+json")
    }

    private static let maxDigits = 300

    private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        var isInString = false
        var digits = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isInString {
                if byte == UInt8(ascii: "\\") {
                    guard isPlainEscape(bytes, at: index + 1) else { return false }
                    index += 1
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                digits += 1
                guard digits <= maxDigits else { return false }
            } else {
                // The letter stands in `true` and `false` too, where no digit comes before it.
                if digits > 0, byte | 0x20 == UInt8(ascii: "e") { return false }
                if byte != UInt8(ascii: ".") { digits = 0 }
            }
            index += 1
        }
        return true
    }

    /// - Parameter index: of what comes after the backslash.
    private static func isPlainEscape(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        guard index < bytes.count else { return false }
        guard bytes[index] == UInt8(ascii: "u") else { return true }
        guard index + 4 < bytes.count else { return false }
        let digits = bytes[(index + 1)...(index + 4)]
        if digits.allSatisfy({ $0 == UInt8(ascii: "0") }) { return false }
        let beginsAsSurrogates = digits[index + 1] | 0x20 == UInt8(ascii: "d")
        return !beginsAsSurrogates || (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digits[index + 2])
    }
}

import Foundation

/// Dates as RFC 3339, section 5.6, writes them: with any number of decimals, and with any offset.
enum RFC3339 {
    /// - Returns: `nil` for a text that is no such date. A leap second is the second before it.
    static func date(of text: String) -> Date? {
        var text = text
        return text.withUTF8 { date(of: $0) }
    }

    private static func date(of bytes: UnsafeBufferPointer<UInt8>) -> Date? {
        var rest = bytes[...]
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var value = 0
            for byte in rest.prefix(count) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(count)
            return value
        }
        func take(_ letters: String) -> UInt8? {
            guard let first = rest.first, letters.utf8.contains(first) else { return nil }
            rest = rest.dropFirst()
            return first
        }
        guard let year = digits(4), take("-") != nil, let month = digits(2), take("-") != nil, let day = digits(2),
            take("Tt ") != nil, let hour = digits(2), take(":") != nil, let minute = digits(2), take(":") != nil,
            let second = digits(2)
        else { return nil }
        var fraction = 0.0
        if take(".") != nil {
            var scale = 0.1
            let first = rest.startIndex
            while let digit = digits(1) {
                fraction += Double(digit) * scale
                scale /= 10
            }
            guard rest.startIndex != first else { return nil }
        }
        guard let zone = take("Zz+-") else { return nil }
        var offset = 0
        if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
            guard let hours = digits(2), take(":") != nil, let minutes = digits(2), hours < 24, minutes < 60 else {
                return nil
            }
            offset = (hours * 60 + minutes) * (zone == UInt8(ascii: "-") ? -60 : 60)
        }
        let civil = CivilDate(year: year, month: month, day: day)
        guard rest.isEmpty, civil.isValid, hour < 24, minute < 60, second <= 60 else { return nil }
        let seconds = civil.daysSince1970 * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }
}

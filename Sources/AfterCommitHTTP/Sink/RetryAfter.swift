#if HTTP
import AfterCommit
import Foundation

/// The header Retry-After (RFC 9110, section 10.2.3): seconds, or a date in one of HTTP's three forms.
enum RetryAfter {
    /// Longer waits are taken for this one: a receiver must not be able to park an event for years.
    static let longest = Duration.seconds(86_400)

    /// The delay it asks for, between nothing and ``longest``, or `nil` where it cannot be read.
    static func delay(_ value: String, now: Date) -> Duration? {
        let text = value.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        let bytes = text.compactMap(\.asciiValue)
        guard !bytes.isEmpty, bytes.count == text.count, bytes.count <= 64 else { return nil }
        if bytes.allSatisfy(isDigit) {
            return min(longest, .seconds(Int(String(decoding: bytes, as: UTF8.self)) ?? .max))
        }
        guard let seconds = secondsSince1970(String(decoding: bytes, as: UTF8.self), now: now) else { return nil }
        let left = Double(seconds) - now.timeIntervalSince1970
        return min(longest, .seconds(max(0, min(left, 1e6))))
    }

    private static func secondsSince1970(_ text: String, now: Date) -> Int? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" })
        var date: CivilDate
        let time: Substring
        switch words.count {
        case 6 where words[5] == "GMT":
            // Sun, 06 Nov 1994 08:49:37 GMT, or with RFC 850's two digits: Sunday, 06-Nov-94 08:49:37 GMT
            guard let day = number(words[1]), let month = month(words[2]), let year = number(words[3]) else {
                return nil
            }
            date = CivilDate(year: year, month: month, day: day)
            if words[3].count == 2 { date.year = century(of: year, now: now) + year }
            time = words[4]
        case 5:
            // Sun Nov  6 08:49:37 1994
            guard let month = month(words[1]), let day = number(words[2]), let year = number(words[4]) else {
                return nil
            }
            date = CivilDate(year: year, month: month, day: day)
            time = words[3]
        default: return nil
        }
        let parts = time.split(separator: ":", omittingEmptySubsequences: false).map(number)
        guard date.isValid, parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return date.daysSince1970 * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// RFC 9110, section 5.6.7: a two-digit year more than 50 years ahead is one of the century before.
    private static func century(of year: Int, now: Date) -> Int {
        let seconds = min(max(now.timeIntervalSince1970, -6e10), 2.5e11)
        let current = CivilDate(daysSince1970: Int(seconds / 86_400)).year
        let century = current / 100 * 100
        return century + year > current + 50 ? century - 100 : century
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func month(_ text: Substring) -> Int? {
        months.firstIndex(of: String(text)).map { $0 + 1 }
    }

    private static func number(_ text: Substring) -> Int? {
        (1...4).contains(text.utf8.count) && text.utf8.allSatisfy(isDigit) ? Int(text) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isBlank(_ character: Character) -> Bool {
        character == " " || character == "\t"
    }
}
#endif

import Foundation

/// A date in UTC to the millisecond, as ISO 8601 writes it. Foundation's own formatting takes some microseconds.
struct CivilTime {
    private let day: CivilDate
    private let millisecondOfDay: Int

    /// - Returns: `nil` outside of the Gregorian years 1583 to 9999, which have four digits and one calendar.
    init?(_ date: Date) {
        let reference = date.timeIntervalSinceReferenceDate
        guard reference > -13_159_411_200, reference < 252_423_993_600 else { return nil }
        let second = reference.rounded(.down)
        let seconds = Int(second) + 978_307_200
        // By way of nanoseconds, cut off, as Foundation does it: every digit is then the same.
        let milliseconds = Int((reference - second) * 1_000_000_000) / 1_000_000
        var days = seconds / 86_400
        var secondOfDay = seconds % 86_400
        if secondOfDay < 0 {
            secondOfDay += 86_400
            days -= 1
        }
        millisecondOfDay = secondOfDay * 1_000 + milliseconds
        day = CivilDate(daysSince1970: days)
    }

    /// Writes 26 bytes: `"2026-11-22T15:20:56.123Z"`, quotes included.
    func write(to target: UnsafeMutablePointer<UInt8>) {
        func put(_ number: Int, _ digits: Int, at offset: Int) {
            var rest = number
            for position in (offset..<offset + digits).reversed() {
                target[position] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
        let second = millisecondOfDay / 1_000
        put(day.year, 4, at: 1)
        put(day.month, 2, at: 6)
        put(day.day, 2, at: 9)
        put(second / 3_600, 2, at: 12)
        put(second / 60 % 60, 2, at: 15)
        put(second % 60, 2, at: 18)
        put(millisecondOfDay % 1_000, 3, at: 21)
        for (offset, byte) in [
            (0, 0x22), (5, 0x2D), (8, 0x2D), (11, 0x54), (14, 0x3A), (17, 0x3A), (20, 0x2E), (24, 0x5A),
            (25, 0x22),
        ] as [(Int, UInt8)] {
            target[offset] = byte
        }
    }

    /// How long the text is, without quotes.
    static let length = 24

    /// The date of exactly `2026-11-22T15:20:56.123Z`; `nil` for everything else, valid or not.
    static func date(_ text: UnsafePointer<UInt8>) -> Date? {
        var isValid = true
        func number(_ range: Range<Int>) -> Int {
            var value = 0
            for position in range {
                let byte = text[position]
                if byte < 0x30 || byte > 0x39 { isValid = false }
                value = value * 10 + Int(byte) - 0x30
            }
            return value
        }
        for (offset, byte) in [(4, 0x2D), (7, 0x2D), (10, 0x54), (13, 0x3A), (16, 0x3A), (19, 0x2E), (23, 0x5A)]
            as [(Int, UInt8)]
        where text[offset] != byte {
            return nil
        }
        let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
        let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
        let milliseconds = number(20..<23)
        // Days that not every month has, and leap seconds, are left to Foundation.
        guard isValid, year >= 1583, 1...12 ~= month, 1...28 ~= day, hour < 24, minute < 60, second < 60 else {
            return nil
        }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - 978_307_200
        return Date(timeIntervalSinceReferenceDate: Double(seconds) + Double(milliseconds) / 1_000)
    }
}

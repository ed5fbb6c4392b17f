package import Foundation

/// Dates of the proleptic Gregorian calendar in UTC, without a formatter's locks and locales (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
package struct CivilDate: Equatable {
    package var year: Int
    package var month: Int
    package var day: Int

    /// Whether there is such a day.
    package var isValid: Bool {
        guard (0...9_999).contains(year), (1...12).contains(month), day >= 1 else { return false }
        let next = month == 12 ? Self(year: year + 1, month: 1, day: 1) : Self(year: year, month: month + 1, day: 1)
        return day <= next.daysSince1970 - Self(year: year, month: month, day: 1).daysSince1970
    }

    /// Counted in years that begin in March, so that the leap day comes last.
    package var daysSince1970: Int {
        let shifted = month > 2 ? year : year - 1
        let cycle = floorDivide(shifted, 400)
        let yearOfCycle = shifted - cycle * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * 146_097 + dayOfCycle - 719_468
    }

    package init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    package init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let cycle = floorDivide(shifted, 146_097)
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        month = monthFromMarch + (monthFromMarch < 10 ? 3 : -9)
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-08-22T10:15:30.123Z`. Dates outside its years 0 to 9999 become its ends.
    package static func rfc3339(_ date: Date) -> String {
        let seconds = min(max(date.timeIntervalSince1970, -62_167_219_200), 253_402_300_799)
        let milliseconds = Int((seconds * 1_000).rounded())
        let days = floorDivide(milliseconds, 86_400_000)
        let time = milliseconds - days * 86_400_000
        let date = CivilDate(daysSince1970: days)
        // In one block: each outgoing event has one.
        return String(unsafeUninitializedCapacity: 24) { bytes in
            var position = 0
            func put(_ value: Int, _ count: Int, _ mark: Unicode.Scalar) {
                bytes.putDigits(UInt64(value), count, at: position)
                position += count
                bytes[position] = UInt8(ascii: mark)
                position += 1
            }
            put(date.year, 4, "-")
            put(date.month, 2, "-")
            put(date.day, 2, "T")
            put(time / 3_600_000, 2, ":")
            put(time / 60_000 % 60, 2, ":")
            put(time / 1_000 % 60, 2, ".")
            put(time % 1_000, 3, "Z")
            return position
        }
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    /// Writes the last decimal digits of a number.
    func putDigits(_ value: UInt64, _ count: Int, at position: Int) {
        var value = value
        for place in stride(from: position + count - 1, through: position, by: -1) {
            self[place] = 0x30 + UInt8(truncatingIfNeeded: value % 10)
            value /= 10
        }
    }
}

private func floorDivide(_ a: Int, _ b: Int) -> Int {
    a >= 0 ? a / b : (a - b + 1) / b
}

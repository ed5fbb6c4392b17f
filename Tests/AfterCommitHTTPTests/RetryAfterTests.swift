#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import Foundation
import Testing

@Suite("Retry-After")
struct RetryAfterTests {
    // Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
    private let rfcDate = 784_111_777.0

    @Test(
        "reads the three forms of an HTTP date",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "  Sun, 06 Nov 1994 08:49:37 GMT\t",
        ])
    func dates(text: String) {
        let now = Date(timeIntervalSince1970: rfcDate - 90)
        #expect(RetryAfter.delay(text, now: now) == .seconds(90))
    }

    @Test(
        "refuses what is neither",
        arguments: [
            "", " ", "-1", "1.5", "5s", "٣", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Xxx 1994 08:49:37 GMT",
            "2026-08-22T10:15:30Z", String(repeating: "9", count: 65),
        ])
    func refused(text: String) {
        #expect(RetryAfter.delay(text, now: Date(timeIntervalSince1970: 0)) == nil)
    }

    @Test("clamps to a day")
    func clamped() {
        let now = Date(timeIntervalSince1970: rfcDate)
        #expect(RetryAfter.delay("86401", now: now) == .seconds(86_400))
        #expect(RetryAfter.delay("Fri, 31 Dec 9999 23:59:59 GMT", now: now) == .seconds(86_400))
        #expect(RetryAfter.delay("Sun, 06 Nov 1994 08:49:36 GMT", now: now) == .zero)
    }

    @Test("takes two-digit years within fifty years")
    func twoDigitYears() {
        let now = Date(timeIntervalSince1970: 1_787_393_730)
        #expect(RetryAfter.delay("Saturday, 22-Aug-26 10:15:40 GMT", now: now) == .seconds(10))
        #expect(RetryAfter.delay("Saturday, 22-Aug-94 10:15:40 GMT", now: now) == .zero)
    }

    @Test("takes any bytes without a trap and stays within its bounds")
    func fuzz() {
        var random = Xoshiro256(seed: 20_260_822)
        let seeds = [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "120",
        ]
        for _ in 0..<20_000 {
            var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: place)
                default: bytes.remove(at: place)
                }
            }
            let now = Date(timeIntervalSince1970: Double.random(in: -1e12...1e12, using: &random))
            if let delay = RetryAfter.delay(String(decoding: bytes, as: UTF8.self), now: now) {
                #expect((.zero...RetryAfter.longest).contains(delay))
            }
        }
    }
}

@Suite("Dates")
struct CivilDateTests {
    @Test("of any day survive the way to a day number and back")
    func roundTrip() {
        for day in stride(from: -800_000, through: 2_900_000, by: 97) {
            let date = CivilDate(daysSince1970: day)
            #expect(date.daysSince1970 == day)
        }
        #expect(CivilDate(year: 2024, month: 2, day: 29).isValid)
        #expect(!CivilDate(year: 2100, month: 2, day: 29).isValid)
    }

    @Test(
        "are written with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_787_393_730.123, "2026-08-22T10:15:30.123Z"),
            (951_782_399.9996, "2000-02-29T00:00:00.000Z"), (-0.001, "1969-12-31T23:59:59.999Z"),
            (1e300, "9999-12-31T23:59:59.000Z"), (-1e300, "0000-01-01T00:00:00.000Z"),
        ] as [(Double, String)])
    func rfc3339(seconds: Double, text: String) {
        #expect(CivilDate.rfc3339(Date(timeIntervalSince1970: seconds)) == text)
    }
}
#endif

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
#endif

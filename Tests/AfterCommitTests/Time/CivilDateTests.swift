import AfterCommit
import Foundation
import Testing

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

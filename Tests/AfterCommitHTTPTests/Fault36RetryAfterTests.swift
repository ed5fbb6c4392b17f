#if HTTP
import AfterCommitHTTP
import NIOHTTP1
import Testing

@Suite("Fault 36: Retry-After")
struct Fault36RetryAfterTests {
    private func summary(_ status: HTTPResponseStatus, _ values: [String]) async throws -> String? {
        try await outcome(of: .answer(status, headers: values.map { ("retry-after", $0) }))?.summary
    }

    @Test("Fault 36: seconds delay the retry", arguments: [(429, "7", 7), (503, "0", 0), (503, "3600", 3600)])
    func seconds(status: Int, value: String, expected: Int) async throws {
        #expect(try await summary(.init(statusCode: status), [value]) == "retry(\(expected)) http.\(status)")
    }

    @Test(
        "Fault 36: a date delays the retry until then, by the wall clock",
        arguments: [
            ("Sat, 22 Aug 2026 10:16:30 GMT", 59), ("Sat, 22 Aug 2009 10:16:30 GMT", 0),
            ("Saturday, 22-Aug-26 10:16:30 GMT", 59),
        ])
    func date(value: String, expected: Int) async throws {
        #expect(try await summary(.serviceUnavailable, [value]) == "retry(\(expected)) http.503")
        #expect(try await summary(.tooManyRequests, [value]) == "retry(\(expected)) http.429")
    }

    @Test(
        "Fault 36: an absurdly long one is a day",
        arguments: ["86401", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
    func huge(value: String) async throws {
        #expect(try await summary(.serviceUnavailable, [value]) == "retry(86400) http.503")
    }

    @Test(
        "Fault 36: what is neither is a failed attempt like any other",
        arguments: [
            "soon", "-5", "-99999999999999999999", "1.5", "0x10", "NaN", "Sat, 31 Feb 2026 10:16:30 GMT",
            "Sat, 22 Aug 2026 25:00:00 GMT", " ", String(repeating: "9", count: 10_000),
        ])
    func garbage(value: String) async throws {
        #expect(try await summary(.tooManyRequests, [value]) == "http.429")
    }

    @Test("Fault 36: the first of several counts, and none is none")
    func several() async throws {
        #expect(try await summary(.serviceUnavailable, ["9", "1"]) == "retry(9) http.503")
        #expect(try await summary(.serviceUnavailable, []) == "http.503")
    }

    @Test("Fault 36: it turns no refusal into a retry")
    func refusal() async throws {
        #expect(try await summary(.badRequest, ["5"]) == "permanent http.400")
        #expect(try await summary(.ok, ["5"]) == nil)
    }
}
#endif

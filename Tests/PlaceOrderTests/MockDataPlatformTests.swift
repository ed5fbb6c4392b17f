#if Example
import AfterCommit
import Foundation
@testable import PlaceOrder
import Testing

@Suite("The mock data platform")
struct MockDataPlatformTests {
    private func receive(
        _ platform: MockDataPlatform, key: String = "k", payload: String = "p"
    ) async throws -> MockDataPlatform.Answer {
        try await platform.receive(event: "e", order: "o", key: key, payload: Data(payload.utf8))
    }

    private func headers(key: String = "\"e/data-platform\"") -> [(String, String)] {
        [
            ("ce-specversion", "1.0"), ("ce-id", "e"), ("ce-source", "/"), ("ce-type", "com.example.order.placed"),
            ("idempotency-key", key),
        ]
    }

    private let body = "{\"orderID\":\"27F2B9E7-034C-4054-9035-9E8017F8D225\"}"

    @Test("takes an event once, however often it comes")
    func idempotent() async throws {
        let platform = MockDataPlatform()
        for _ in 0..<3 { #expect(try await receive(platform) == .taken) }
        #expect(await platform.stats == .init(received: 3, distinctOrders: 1, duplicates: 2))
        guard case .problem(status: 422, _, _) = try await receive(platform, payload: "other") else {
            Issue.record("another payload under a used key was taken")
            return
        }
        #expect(await platform.stats.received == 3)
    }

    @Test("accepts the idempotency key quoted and unquoted")
    func keys() async throws {
        let platform = MockDataPlatform()
        try await withPlatform(platform) { url in
            for key in ["\"e/data-platform\"", "e/data-platform"] {
                let answer = try await send("POST", url + "/mock/orders", headers: headers(key: key), body: body)
                #expect(answer.status == 200)
            }
            #expect(await platform.stats == .init(received: 2, distinctOrders: 1, duplicates: 1))
            let stats = try await send("GET", url + "/mock/stats")
            #expect(stats.json["duplicates"] as? Int == 1)
            let orders = try await send("GET", url + "/mock/orders")
            #expect(orders.json as? [String: String] == ["27F2B9E7-034C-4054-9035-9E8017F8D225": "e"])
        }
    }

    @Test(
        "answers a request that is no CloudEvent with a problem",
        arguments: ["ce-specversion", "ce-id", "ce-source", "ce-type", "idempotency-key"])
    func missing(header: String) async throws {
        let platform = MockDataPlatform()
        try await withPlatform(platform) { url in
            let answer = try await send(
                "POST", url + "/mock/orders", headers: headers().filter { $0.0 != header }, body: body)
            #expect(answer.status == 400)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.json["detail"] as? String == "the header \(header) is missing")
            #expect(answer.json["instance"] as? String == "/mock/orders")
        }
        #expect(await platform.stats.received == 0)
    }

    @Test("turns its knobs over HTTP")
    func knobs() async throws {
        let platform = MockDataPlatform()
        try await withPlatform(platform) { url in
            var answer = try await send(
                "PUT", url + "/mock/knobs", body: "{\"tooManyRequests\":true,\"retryAfter\":7,\"latency\":\"1ms\"}")
            #expect(answer.status == 200)
            #expect(answer.json["latency"] as? String == "1ms")
            answer = try await send("POST", url + "/mock/orders", headers: headers(), body: body)
            #expect(answer.status == 429)
            #expect(answer.headers["retry-after"] == "7")

            answer = try await send(
                "PUT", url + "/mock/knobs", body: "{\"tooManyRequests\":false,\"status\":\"down\"}")
            #expect(answer.json["retryAfter"] as? Int == 7)
            answer = try await send("POST", url + "/mock/orders", headers: headers(), body: body)
            #expect(answer.status == 503)

            for bad in ["{\"latency\":\"soon\"}", "{\"errorRate\":2}", "{\"retryAfter\":-1}"] {
                #expect(try await send("PUT", url + "/mock/knobs", body: bad).status == 422)
            }
            #expect(try await send("PUT", url + "/mock/knobs", body: "{\"status\":\"sideways\"}").status == 400)
            _ = try await send("PUT", url + "/mock/knobs", body: "{\"status\":\"up\"}")
            answer = try await send("POST", url + "/mock/orders", headers: headers(), body: body)
            #expect(answer.status == 200)
        }
    }

    @Test("fails each request with the probability it is given")
    func errorRate() async throws {
        let platform = MockDataPlatform(knobs: PlatformKnobs(errorRate: 0.25), random: Xoshiro256(seed: 1))
        var failed = 0
        for number in 0..<2_000 where try await receive(platform, key: "\(number)") != .taken { failed += 1 }
        #expect((400...600).contains(failed))
    }

    @Test("is down for its outage, and only then")
    func outage() async throws {
        let clock = SetClock()
        let platform = MockDataPlatform(
            knobs: PlatformKnobs(outage: .seconds(2)..<(.seconds(15)), retryAfter: 3), stopwatch: Stopwatch(clock))
        let down = MockDataPlatform.Answer.problem(status: 503, retryAfter: 3, detail: "the data platform is down")
        for (second, answer) in [(0, .taken), (2, down), (14, down), (15, .taken)]
            as [(Int, MockDataPlatform.Answer)]
        {
            clock.set(.seconds(second))
            #expect(try await receive(platform) == answer)
        }
    }

    @Test("writes the ledger before it answers")
    func ledger() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "ledger-\(UUID().uuidString)")
        let platform = MockDataPlatform(ledger: try AppendOnlyFile(path.path(percentEncoded: false)))
        _ = try await receive(platform)
        _ = try await receive(platform)
        #expect(try String(contentsOf: path, encoding: .utf8) == "e o\ne o\n")
        try FileManager.default.removeItem(at: path)
    }
}
#endif

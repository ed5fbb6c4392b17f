#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Foundation
import NIOHTTP1
import Testing

@Suite("Standard Webhooks")
struct WebhookTests {
    /// The example of the libraries of Standard Webhooks.
    private enum Published {
        static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        static let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
        static let seconds = 1_614_265_330.0
        static let body = Data(#"{"test": 2432232314}"#.utf8)
        static let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        static let headers = [
            "webhook-id": id, "webhook-timestamp": "1614265330", "webhook-signature": signature,
        ]
    }

    private func verify(
        _ headers: [String: String], body: Data = Published.body, secrets: [WebhookSecret]? = nil, late: Double = 0
    ) throws(WebhookVerificationError) -> WebhookVerifier.Message {
        let clock = FixedWallClock(date: Date(timeIntervalSince1970: Published.seconds + late))
        let known = [try? WebhookSecret(Published.secret)].compactMap(\.self)
        return try WebhookVerifier(secrets: secrets ?? known, wallClock: clock).verify(body) { headers[$0] }
    }

    private func code(
        _ change: KeyValuePairs<String, String?> = [:], body: Data = Published.body, secrets: [WebhookSecret]? = nil,
        late: Double = 0
    ) -> WebhookVerificationError.Code? {
        var headers = Published.headers
        for (name, value) in change { headers[name] = value }
        do {
            _ = try verify(headers, body: body, secrets: secrets, late: late)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("signs and verifies the published example")
    func published() throws {
        let secret = try WebhookSecret(Published.secret)
        let headers = WebhookSigner(secrets: [secret]).headers(
            id: Published.id, timestamp: Date(timeIntervalSince1970: Published.seconds), body: Published.body)
        #expect(Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) }) == Published.headers)
        let message = try verify(Published.headers)
        #expect(message.id == Published.id)
        #expect(message.timestamp == Date(timeIntervalSince1970: Published.seconds))
    }

    @Test("reads secrets of 24 to 64 bytes", arguments: [24, 32, 64])
    func goodSecret(count: Int) throws {
        _ = try WebhookSecret("whsec_" + Data(repeating: 7, count: count).base64EncodedString())
    }

    @Test("refuses other secrets and says why")
    func badSecret() {
        func error(_ text: String) -> WebhookSecretError? {
            do {
                _ = try WebhookSecret(text)
                return nil
            } catch {
                return error
            }
        }
        #expect(error("") == .missingPrefix)
        #expect(error("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == .missingPrefix)
        #expect(error("whsec_") == .wrongLength(bytes: 0))
        #expect(error("whsec_!!!") == .notBase64)
        #expect(error("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS") == .notBase64)
        #expect(error("whsec_" + Data(repeating: 7, count: 23).base64EncodedString()) == .wrongLength(bytes: 23))
        #expect(error("whsec_" + Data(repeating: 7, count: 65).base64EncodedString()) == .wrongLength(bytes: 65))
    }

    @Test("shows a secret nowhere")
    func hidden() throws {
        let secret = try WebhookSecret(Published.secret)
        let configuration = HTTPEventSinkConfiguration(webhookSecrets: [secret])
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(WebhookSigner(secrets: [secret]), to: &dumped)
        dump(try WebhookVerifier(secrets: [secret]), to: &dumped)
        let bytes = try #require(Data(base64Encoded: String(Published.secret.dropFirst(6))))
        for text in ["\(secret)", String(reflecting: secret), String(reflecting: configuration), dumped] {
            #expect(text.contains("WebhookSecret"))
            #expect(!text.contains("MfKQ") && !text.contains("\(bytes[0]), \(bytes[1])"))
            // As an array of bytes, one an element, it would be as long as a key.
            #expect(!text.contains("SymmetricKey") && !text.contains("- \(bytes[0])\n"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("tells what is missing or malformed")
    func headers() {
        for name in Published.headers.keys {
            #expect(code([name: nil]) == .missingHeader)
            #expect(code([name: ""]) == .missingHeader)
        }
        for timestamp in ["-1", "1614265330.0", " 1614265330", "0x1", "9999999999999", "٣", "1e9"] {
            #expect(code(["webhook-timestamp": timestamp]) == .malformedTimestamp)
        }
        for signature in [" ", "v1", "v2,abc", "v1a,abc", "V1,abc"] {
            #expect(code(["webhook-signature": signature]) == .noKnownSignature)
        }
    }

    @Test("accepts five minutes in either direction, and no more")
    func tolerance() {
        #expect(code(late: 300) == nil)
        #expect(code(late: -300) == nil)
        #expect(code(late: 301) == .tooOld)
        #expect(code(late: -301) == .tooNew)
        #expect(code(["webhook-timestamp": "999999999999"]) == .tooNew)
        #expect(code(["webhook-timestamp": "0"]) == .tooOld)
    }

    @Test("refuses what was changed on its way")
    func changed() throws {
        #expect(code(body: Data(#"{"test":2432232314}"#.utf8)) == .wrongSignature)
        #expect(code(body: Data()) == .wrongSignature)
        #expect(code(["webhook-id": "msg_other"]) == .wrongSignature)
        #expect(code(["webhook-timestamp": "1614265331"]) == .wrongSignature)
        #expect(code(["webhook-timestamp": "01614265330"]) == .wrongSignature)
        #expect(code(["webhook-signature": "v1,AAAA"]) == .wrongSignature)
        #expect(code(["webhook-signature": "v1,"]) == .wrongSignature)
        #expect(code(["webhook-signature": "v1,!"]) == .wrongSignature)
        #expect(code(["webhook-signature": String(Published.signature.dropLast(5)) + "AAA="]) == .wrongSignature)
        #expect(code(secrets: Fixtures.secrets) == .wrongSignature)
    }

    @Test("accepts any of several signatures and any of several secrets")
    func rotation() throws {
        let other = "v1,\(Data(repeating: 1, count: 32).base64EncodedString())"
        #expect(code(["webhook-signature": "v2,x \(other) \(Published.signature)"]) == nil)
        #expect(code(["webhook-signature": "\(Published.signature) \(other)"]) == nil)
        #expect(code(secrets: Fixtures.secrets + [try WebhookSecret(Published.secret)]) == nil)
        #expect(throws: WebhookVerificationError.self) { try WebhookVerifier(secrets: []) }
    }

    @Test("takes any headers without a trap, and none of them for signed")
    func fuzz() {
        var random = Xoshiro256(seed: 20_260_824)
        for _ in 0..<5_000 {
            var headers = Published.headers
            let name = Array(headers.keys.sorted())[Int.random(in: 0..<3, using: &random)]
            var bytes = Array((headers[name] ?? "").utf8)
            let before = bytes
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] = UInt8.random(in: 0...255, using: &random)
            headers[name] = String(decoding: bytes, as: UTF8.self)
            if let message = try? verify(headers) { #expect(bytes == before, "\(headers) \(message)") }
        }
    }

    @Test(
        "is on every delivery that has secrets, the same id on each attempt",
        arguments: [HTTPEventSinkConfiguration.ContentMode.binary, .structured])
    func delivery(mode: HTTPEventSinkConfiguration.ContentMode) async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let configuration = HTTPEventSinkConfiguration.loopback {
            $0.contentMode = mode
            $0.webhookSecrets = Fixtures.secrets
        }
        try await withClient { client async throws in
            for _ in 0..<2 { #expect(try await client.outcome(url: receiver.url, configuration) == nil) }
        }
        await receiver.stop()
        for await request in receiver.requests.prefix(2) {
            let headers = request.head.headers
            #expect(headers["webhook-id"] == [Fixtures.id.description])
            #expect(headers["webhook-timestamp"] == ["1787393730"])
            #expect(headers["webhook-signature"].first?.split(separator: " ").count == 2)
            for secret in Fixtures.secrets {
                let message = try WebhookVerifier(secrets: [secret], wallClock: FixedWallClock()).verify(
                    Data(request.body.utf8)
                ) { headers[$0].first }
                #expect(message.id == Fixtures.id.description)
            }
        }
    }

    @Test("is on no delivery that has none")
    func unsigned() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        try await withClient { client async throws in #expect(try await client.outcome(url: receiver.url) == nil) }
        await receiver.stop()
        let request = try #require(await receiver.requests.first { _ in true })
        #expect(!request.head.headers.contains { $0.name.lowercased().hasPrefix("webhook-") })
    }
}
#endif

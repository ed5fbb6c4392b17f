#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import Foundation
import NIOHTTP1
import Testing

@Suite("CloudEvents in structured mode")
struct StructuredModeTests {
    private func event(_ payload: Data, _ envelope: Envelope = Fixtures.envelope()) throws -> [String: Any] {
        let message = try CloudEventMessage(
            payload, Fixtures.context(envelope), configuration: .init(contentMode: .structured))
        #expect(message.headers["content-type"] == ["application/cloudevents+json"])
        #expect(!message.headers.contains { $0.name.hasPrefix("ce-") })
        return try #require(try JSONSerialization.jsonObject(with: message.body) as? [String: Any])
    }

    @Test("puts all attributes and the payload into one object")
    func onTheWire() async throws {
        let receiver = try await Receiver { _ in .answer(.ok) }
        let payload = Data(#"{"total": 7.10, "note": "ä"}"#.utf8)
        let context = Fixtures.context(Fixtures.envelope(headers: ["correlationid": "ä\"%b", "ID": "x"]))
        try await withClient { client async throws in
            let configuration = HTTPEventSinkConfiguration.loopback {
                $0.contentMode = .structured
                $0.eventTypePrefix = "com.example"
            }
            #expect(
                try await client.outcome(url: receiver.url, payload: payload, context: context, configuration) == nil)
        }
        await receiver.stop()
        let request = try #require(await receiver.requests.first { _ in true })
        #expect(request.head.headers["content-type"] == ["application/cloudevents+json"])
        #expect(request.head.headers["idempotency-key"] == ["\"\(Fixtures.id)/data-platform\""])
        // Byte for byte, the payload's own spaces and digits included.
        #expect(
            request.body
                == #"{"specversion":"1.0","id":"0198d0c2-7b1e-7000-8000-0123456789ab","#
                + #""source":"https://shop.example/orders","type":"com.example.order.placed","#
                + #""time":"2026-08-22T10:15:30.123Z","subject":"order 7","partitionkey":"order 7","#
                + #""sequence":"00000000000000000042","correlationid":"ä\"%b","datacontenttype":"application/json","#
                + #""data":{"total": 7.10, "note": "ä"}}"#)
    }

    @Test("puts other bytes into data_base64")
    func binaryData() throws {
        let payload = Data([0, 1, 2, 0xFF])
        let event = try event(payload, Fixtures.envelope(contentType: "application/octet-stream"))
        #expect(event["data"] == nil)
        #expect(event["data_base64"] as? String == "AAEC/w==")
        #expect(event["datacontenttype"] as? String == "application/octet-stream")
    }

    @Test(
        "knows JSON by its media type",
        arguments: [
            ("application/json", true), ("Application/JSON; charset=utf-8", true), ("text/json", true),
            ("application/vnd.order+json", true), ("text/plain", false), ("application/jsonl", false), ("", false),
        ])
    func mediaType(contentType: String, isJSON: Bool) throws {
        let event = try event(Data("7".utf8), Fixtures.envelope(contentType: contentType))
        #expect((event["data"] as? Int == 7) == isJSON)
        #expect((event["data_base64"] != nil) == !isJSON)
    }

    private static let json: [String] = [
        "null", "true", "false", "7", "-0", "0.5e+10", "1E-2", "\"ä\"", "\"\\u00e4\\n\"", "\"\"", "[]", "{}", "[ ]",
        " {\"a\":[1,{},[[]],\"\"] , \"b\" : null}\n",
        String(repeating: "[", count: 500) + String(repeating: "]", count: 500),
    ]

    @Test("takes every JSON value as data", arguments: json)
    func values(text: String) throws {
        #expect(try event(Data(text.utf8))["data"] != nil)
    }

    private static let noJSON: [String] = [
        "", "{", "1,\"id\":\"x\"", "1}{", "01", "'a'", "NaN", "[1,]", "[,1]", "{\"a\":1,}", "{\"a\"}", "{1:2}", "[1}",
        "]", "1.", "-", "1e", "+1", ".5", "\"\\x\"", "\"\\u12g4\"", "\"", "tru", "[1 2]", "[[]", "\"a", "1 1", "{}//",
        "\"\n\"", "\u{FEFF}1", "1\u{0}", String(repeating: "[", count: 100_000),
        String(repeating: "[", count: 513) + String(repeating: "]", count: 513),
    ]
    private static let noText: [[UInt8]] = [[0x22, 0xFF, 0x22], [0xFE, 0xFF, 0, 0x31], [0x22, 0xC3, 0x22]]

    @Test(
        "lets no payload that only claims to be JSON break the object or smuggle attributes",
        arguments: noJSON.map { Data($0.utf8) } + noText.map { Data($0) })
    func malformed(payload: Data) throws {
        let event = try event(payload)
        #expect(event["data"] == nil)
        #expect(event["data_base64"] as? String == payload.base64EncodedString())
        #expect(event["id"] as? String == Fixtures.id.description)
    }

    @Test("lets no extension take the place of an attribute or of the data")
    func reserved() throws {
        let event = try event(
            Data("7".utf8),
            Fixtures.envelope(headers: [
                "id": "x", "Type": "x", "data": "x", "data_base64": "x", "datacontenttype": "x", "specversion": "9",
                "sequence": "0",
            ]))
        #expect(event["data"] as? Int == 7)
        #expect(event["data_base64"] == nil)
        #expect(event["id"] as? String == Fixtures.id.description)
        #expect(event["type"] as? String == "order.placed")
        #expect(event["specversion"] as? String == "1.0")
        #expect(event["datacontenttype"] as? String == "application/json")
    }

    @Test("stays one readable object for any bytes")
    func fuzz() throws {
        var random = Xoshiro256(seed: 20_260_823)
        let seed = Array(#"{"a":[1,2.5e3,"b\u00e4",null,true],"c":{"d":"e"}}"#.utf8)
        for _ in 0..<2_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                } else {
                    bytes.remove(at: place)
                }
            }
            let event = try event(Data(bytes))
            #expect(event.keys.filter { ["data", "data_base64"].contains($0) }.count == 1)
            #expect(event.count == 10)
        }
    }
}
#endif

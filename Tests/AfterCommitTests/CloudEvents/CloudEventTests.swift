import Foundation
import Testing

@testable import AfterCommit

@Suite("CloudEvents of others")
struct CloudEventTests {
    private func structured(_ text: String) throws -> CloudEvent { try CloudEvent(structured: Data(text.utf8)) }

    private let required = #""specversion":"1.0","id":"1","source":"/s","type":"t""#

    @Test("JSON data is kept byte for byte, whatever stands around it")
    func data() throws {
        let event = try structured(#" { "data" :  { "a" : [1.0, "}\"" ] , "ü":null }  , \#(required) } "#)
        #expect(String(decoding: event.data, as: UTF8.self) == #"{ "a" : [1.0, "}\"" ] , "ü":null }"#)
        #expect(event.contentType == "application/json")
    }

    @Test("text and bytes in data are themselves")
    func otherData() throws {
        let text = try structured(#"{\#(required),"datacontenttype":"text/plain","data":"a\nb"}"#)
        #expect(String(decoding: text.data, as: UTF8.self) == "a\nb")
        let bytes = try structured(#"{\#(required),"datacontenttype":"image/png","data_base64":"/wA="}"#)
        #expect(bytes.data == Data([0xFF, 0x00]))
        let json = try structured(#"{\#(required),"data":"text"}"#)
        #expect(String(decoding: json.data, as: UTF8.self) == #""text""#)
        #expect(try structured("{\(required)}").data.isEmpty)
    }

    @Test("numbers and truth values of extensions are texts, null is absent")
    func extensions() throws {
        let event = try structured(#"{\#(required),"count":12,"ok":true,"none":null}"#)
        #expect(event["count"] == "12")
        #expect(event["ok"] == "true")
        #expect(event["none"] == nil)
    }

    @Test(
        "what is no event says why",
        arguments: [
            ("[]", CloudEventError.Code.structure), ("{", .structure), (#"{"a":1}"#, .notAnEvent),
            (#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#, .specVersion),
            (#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#, .missingAttribute),
            (#"{"specversion":"1.0","id":"1","source":"/s"}"#, .missingAttribute),
            (#"{"specversion":"1.0","id":"1","source":"/s","type":"t","Bad":"x"}"#, .attributeName),
            (#"{"specversion":"1.0","id":"1","source":"/s","type":"t","x":{}}"#, .attributeValue),
            (#"{"specversion":"1.0","id":"1","source":"/s","type":"t","x":"1","x":"2"}"#, .structure),
            (#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":""}"#, .structure),
            (#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"?"}"#, .attributeValue),
        ])
    func refused(_ text: String, _ code: CloudEventError.Code) {
        #expect(performing: { try structured(text) }, throws: { ($0 as? CloudEventError)?.code == code })
    }

    @Test("what is written in structured mode is read as it was")
    func roundTrip() throws {
        for data in [Data(#"{"a":"\u00e4"}"#.utf8), Data([0, 0xFF])] {
            let event = try CloudEvent(
                attributes: ["specversion": "1.0", "id": "ä\"\n", "source": "/s", "type": "t", "tenant": "\u{1F4A5}"],
                contentType: "application/json", data: data)
            #expect(try CloudEvent(structured: event.structured()) == event)
        }
    }

    @Test("bytes without meaning are refused and never trap")
    func fuzz() {
        var random = Xoshiro256(seed: 42)
        let whole = Array("{\(required),\"data\":{\"a\":[1,2,{}]},\"x\":\"\\u00e4\\\"\"}".utf8)
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...2, using: &random) * Int.random(in: 0...20, using: &random))
            do {
                _ = try CloudEvent(structured: Data(bytes))
            } catch {
                // Which error it is depends on the bytes.
                _ = "\(error)"
            }
        }
    }

    // MARK: Envelopes

    private func envelope(_ attributes: [String: String], key: String? = nil) throws -> Envelope {
        let all = ["specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.order.placed"]
        let event = try CloudEvent(
            attributes: all.merging(attributes) { $1 }, contentType: nil, data: Data("{}".utf8))
        return try Envelope(
            event, typePrefix: "com.example", key: key, receivedAt: Date(timeIntervalSince1970: 5))
    }

    @Test("an id that is a UUID is kept; another is always the same one, and told apart by its source")
    func ids() throws {
        let uuid = "0198d0c2-7b1e-7abc-8000-000000000001"
        #expect(try envelope(["id": uuid]).id.description == uuid)
        #expect(try envelope(["id": uuid]).headers["foreignid"] == nil)
        let foreign = try envelope(["id": "A-1"])
        #expect(try envelope(["id": "A-1"]).id == foreign.id)
        #expect(try envelope(["id": "A-1", "source": "/other"]).id != foreign.id)
        #expect(try envelope(["id": "A-2"]).id != foreign.id)
        #expect(foreign.headers["foreignid"] == "A-1")
        #expect(foreign.id.description.dropFirst(14).first == "8")
        #expect("89ab".contains(foreign.id.description.dropFirst(19).first ?? "-"))
    }

    @Test("the type loses its prefix, the ordering key is partitionkey or the transport's")
    func names() throws {
        #expect(try envelope([:]).type == "order.placed")
        #expect(try envelope(["type": "com.example."]).type == "com.example.")
        #expect(try envelope(["type": "other"]).type == "other")
        #expect(try envelope(["partitionkey": "a"], key: "b").orderingKey == "a")
        #expect(try envelope([:], key: "b").orderingKey == "b")
        #expect(try envelope(["subject": "x"]).headers["subject"] == "x")
        #expect(throws: CloudEventError.self) {
            try envelope(["partitionkey": String(repeating: "x", count: 401)])
        }
    }

    @Test("dates and versions are read, and refused where they are none")
    func values() throws {
        #expect(try envelope([:]).time.timeIntervalSince1970 == 5)
        #expect(try envelope(["time": "1970-01-01T00:00:07Z"]).time.timeIntervalSince1970 == 7)
        #expect(try envelope(["schemaversion": "3"]).schemaVersion == 3)
        #expect(throws: CloudEventError.self) { try envelope(["time": "yesterday"]) }
        #expect(throws: CloudEventError.self) { try envelope(["schemaversion": "0"]) }
    }

    @Test(
        "dates of RFC 3339, with any decimals and offsets",
        arguments: [
            ("2026-08-22T10:15:30Z", 1_787_393_730.0), ("2026-08-22T10:15:30.125Z", 1_787_393_730.125),
            ("2026-08-22t12:15:30+02:00", 1_787_393_730), ("2026-08-22 05:45:30-04:30", 1_787_393_730),
            ("2026-08-22T10:15:30.123456789Z", 1_787_393_730.123456789), ("1990-12-31T23:59:60Z", 662_687_999),
        ])
    func dates(_ text: String, _ seconds: Double) throws {
        let date = try #require(RFC3339.date(of: text))
        #expect(abs(date.timeIntervalSince1970 - seconds) < 0.000_001)
    }

    @Test(
        "what is no date",
        arguments: [
            "", "2026", "2026-08-22", "2026-13-22T10:15:30Z", "2026-02-30T10:15:30Z", "2026-08-22T24:00:00Z",
            "2026-08-22T10:15:30", "2026-08-22T10:15:30.Z", "2026-08-22T10:15:30+2:00", "2026-08-22T10:15:30Zz",
        ])
    func noDates(_ text: String) {
        #expect(RFC3339.date(of: text) == nil)
    }
}

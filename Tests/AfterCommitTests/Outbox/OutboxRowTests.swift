import AfterCommit
import Foundation
import Testing

@Suite struct OutboxRowTests {
    private struct Placed: Event {
        static let type: EventType = "order.placed"
        static let schemaVersion = 3
        var number: Int
        var orderingKey: String?
    }

    private func row(_ payload: String, contentType: String = "application/json") throws -> OutboxRow {
        let envelope = Envelope(
            id: EventID(high: 1, low: 2), type: "a.b", source: "/", time: Date(timeIntervalSince1970: 0),
            contentType: contentType, payload: .bytes(Data(payload.utf8)))
        return try OutboxRow(envelope)
    }

    @Test func hasTheColumnsOfTheOutboxRouter() throws {
        let options = EmitOptions(headers: ["tenant": "t"])
        let row = try Placed(number: 7, orderingKey: "order-7").outboxRow(options: options)
        #expect(row.aggregateType == "order")
        #expect(row.aggregateID == "order-7")
        #expect(row.type == "order.placed")
        #expect(row.schemaVersion == 3)
        #expect(row.headers == #"{"tenant":"t"}"#)
        let payload = try JSONSerialization.jsonObject(with: Data((row.payload ?? "").utf8)) as? [String: Any]
        #expect(payload?["number"] as? Int == 7)
        #expect(row.payloadBytes == nil)
        let mirror = Mirror(reflecting: row).children.compactMap(\.label).map { $0.lowercased() }
        #expect(mirror == OutboxRow.columns)
    }

    @Test func withoutAKeyTheAggregateIsTheEventItself() throws {
        let row = try Placed(number: 7).outboxRow()
        #expect(row.aggregateID == EventID(row.id).description)
        #expect(row.orderingKey == nil)
    }

    @Test(arguments: [
        #"{"a":"text \n \" \u00e9 e1"}"#, #"[1,2.50,-3,true,false,null]"#, #"{"a":{"b":[]}}"#, "1", #""😀""#,
    ])
    func jsonIsKeptAsText(_ json: String) throws {
        #expect(try row(json).payload == json)
    }

    @Test(arguments: [
        "no JSON", "", "{", #"{"a":"\u0000"}"#, #""\ud83d\ude00""#, #""\uDEAD""#, "1e400", "[1,2E5]",
        String(repeating: "9", count: 400),
    ])
    func whatAJSONColumnWouldRefuseOrChangeIsKeptAsBytes(_ text: String) throws {
        let row = try row(text)
        #expect(row.payload == nil)
        #expect(row.payloadBytes == Data(text.utf8))
    }

    @Test func otherMediaTypesAreBytes() throws {
        #expect(try row("{}", contentType: "application/octet-stream").payload == nil)
        #expect(try row("{}", contentType: "application/vnd.order+json; charset=utf-8").payload == "{}")
    }

    @Test func aPlainRowCannotBeDelayedOrDeduplicated() {
        #expect(throws: EmitError.self) {
            try Placed(number: 1).outboxRow(options: EmitOptions(deliverAt: Date(timeIntervalSince1970: 9)))
        }
        #expect(throws: EmitError.self) { try Placed(number: 1).outboxRow(options: EmitOptions(deduplicationKey: "k")) }
    }
}

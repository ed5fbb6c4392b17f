import Foundation
import Testing

@testable import AfterCommit

/// Foundation's decoder is the reference: where the tape gives a value, it is the same one.
@Suite struct JSONTapeTests {
    private static let reference: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = JSONEventCoder.date(of: try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no date")
            }
            return date
        }
        return decoder
    }()

    private func tape<T: Decodable>(_ type: T.Type, _ text: String) -> T? {
        JSONTape(Data(text.utf8))?.decode(type)
    }

    @Test(arguments: [JSONEncoder.OutputFormatting(), [.prettyPrinted, .sortedKeys]])
    func readsWhatWasWritten(_ formatting: JSONEncoder.OutputFormatting) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.dateEncodingStrategy = .custom { date, encoder in
            try JSONEventCoder.text(of: date).encode(to: encoder)
        }
        var random = Xoshiro256(seed: 3)
        for _ in 0..<500 {
            let sample = Sample(using: &random)
            let bytes = try encoder.encode(sample)
            #expect(JSONTape(bytes)?.decode(Sample.self) == sample)
            let written = try #require(JSONWriter().text(of: sample))
            #expect(JSONTape(written)?.decode(Sample.self) == sample)
        }
    }

    /// Bytes of any kind give what Foundation gives, or nothing.
    @Test func isNeverMoreLenient() throws {
        var random = Xoshiro256(seed: 5)
        let alphabet = Array("{}[]\",:\\u0019-+.eEnulltrfasd \n\u{1}ü\u{7F}".utf8)
        var decoded = 0
        for _ in 0..<20_000 {
            var bytes = try #require(JSONWriter().text(of: Sample(using: &random)))
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                default: bytes.remove(at: index)
                }
            }
            guard let sample = JSONTape(bytes)?.decode(Sample.self) else { continue }
            decoded += 1
            #expect(try Self.reference.decode(Sample.self, from: bytes) == sample)
        }
        // Most of what is still valid must not have gone to Foundation.
        #expect(decoded > 5_000)
    }

    @Test func readsDatesAsFoundationDoes() throws {
        var random = Xoshiro256(seed: 13)
        for _ in 0..<10_000 {
            let date = Date(timeIntervalSinceReferenceDate: Double.random(in: -12e9...250e9, using: &random))
            let text = JSONEventCoder.text(of: date)
            let expected = try #require(JSONEventCoder.date(of: text))
            #expect(tape(Date.self, "\"\(text)\"") == expected)
        }
        for text in ["2024-02-30T00:00:00.000Z", "2024-13-01T00:00:00.000Z", "2024-01-01T24:00:00.000Z", "x"] {
            #expect(tape(Date.self, "\"\(text)\"") == JSONEventCoder.date(of: text))
        }
    }

    @Test func readsStrings() {
        #expect(tape(String.self, #""""#) == "")
        #expect(tape(String.self, #""a\"\\\/\b\f\n\r\t\u00e9\u2028\u0041""#) == "a\"\\/\u{8}\u{C}\n\r\té\u{2028}A")
        #expect(tape(String.self, #""漢字 👩‍👩‍👧""#) == "漢字 👩‍👩‍👧")
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "01", "-", "1.", ".5", "+1", "1e", "nul", "truex", "\"a", "\"\\",
        "\"\u{1}\"",
        "[1 2]", "{\"a\" 1}", "{1:2}", "\u{FEFF}1", "[1]x", "\"\\x\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"",
        "\"\\u+123\"",
        "{\"\\u0061\":1}", "{\"ü\":1}", "{\"a\":1,\"a\":2}", String(repeating: "[", count: 200),
    ])
    func leavesToFoundation(_ text: String) {
        struct Anything: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if (try? container.decode(String.self)) == nil { _ = try decoder.container(keyedBy: Name.self) }
            }
        }
        #expect(tape(Anything.self, text) == nil)
    }

    @Test func leavesOtherNumbersToFoundation() throws {
        for text in ["1.0", "1e2", "300", "-1", "9999999999999999999", "null", "\"1\"", "true", "[1]"] {
            let event = try? JSONEventCoder().decode(Number<UInt8>.self, from: Data("{\"value\":\(text)}".utf8))
            let expected = try? Self.reference.decode(Number<UInt8>.self, from: Data("{\"value\":\(text)}".utf8))
            #expect(event?.value == expected?.value, "\(text)")
        }
        let largest = Data("{\"value\":18446744073709551615}".utf8)
        #expect(try JSONEventCoder().decode(Number<UInt64>.self, from: largest).value == .max)
        for text in ["12345678901234567890.123456789", "1e-3", "-0", "0.10"] {
            let bytes = Data("{\"value\":\(text)}".utf8)
            let expected = try Self.reference.decode(Number<Decimal>.self, from: bytes).value
            #expect(try JSONEventCoder().decode(Number<Decimal>.self, from: bytes).value == expected)
        }
    }

    @Test func leavesUnusualDecodersToFoundation() throws {
        let bytes = Data(#"{"a":{"b":[1,"x",null]},"super":7}"#.utf8)
        #expect(JSONTape(bytes)?.decode(Unusual.self) == nil)
        let event = try JSONEventCoder().decode(Unusual.self, from: bytes)
        #expect(event.path == ["a", "b"])
        #expect(event.base == 7)
        // An error that was swallowed on the way does not spoil what comes after it.
        #expect(event.items == ["1", "x", "nil"])
    }

    @Test func errorsAreFoundations() throws {
        let error = #expect(throws: DecodingError.self) {
            try JSONEventCoder().decode(Number<Int>.self, from: Data(#"{"value":"x"}"#.utf8))
        }
        guard case .typeMismatch(_, let context) = error else { throw try #require(error) }
        #expect(context.codingPath.map(\.stringValue) == ["value"])
    }

    @Test func readsObjectsInAnyOrder() {
        #expect(tape([String: Int].self, #"{"b":1, "a":2 ,"c":3}"#) == ["a": 2, "b": 1, "c": 3])
        #expect(tape(Three.self, #"{"x":[{"a":0}],"c":3,"b":null,"a":1}"#) == Three(a: 1, c: 3))
        #expect(tape([Choice].self, #"[{"one":{"_0":1}},{"none":{}}]"#) == [.one(1), .none])
    }
}

// MARK: Fixtures

private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private struct Number<Value: Codable & Sendable>: Event {
    static var type: EventType { "number" }
    var value: Value
}

private struct Three: Codable, Equatable {
    var a: Int
    var b: String?
    var c: Int
}

private enum Choice: Codable, Equatable {
    case one(Int)
    case none
}

private struct Unusual: Event {
    static let type: EventType = "unusual"
    private enum Key: String, CodingKey { case a, b }

    var path: [String]
    var base: Int
    var items: [String] = []

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        base = try container.superDecoder().singleValueContainer().decode(Int.self)
        var array = try container.nestedContainer(keyedBy: Key.self, forKey: .a).nestedUnkeyedContainer(forKey: .b)
        path = array.codingPath.map(\.stringValue)
        while !array.isAtEnd {
            if try array.decodeNil() {
                items.append("nil")
            } else if let number = try? array.decode(Int.self) {
                items.append("\(number)")
            } else {
                items.append(try array.decode(String.self))
            }
        }
    }

    func encode(to encoder: any Encoder) throws {}
}

private struct Sample: Codable, Equatable {
    struct Item: Codable, Equatable {
        var id: UUID
        var tags: [String]
    }

    var text: String
    var number: Int
    var small: Int8?
    var double: Double
    var float: Float
    var date: Date
    var total: Decimal
    var link: URL?
    var data: Data
    var flag: Bool
    var items: [Item]
    var counts: [String: Int]
    var choice: Choice
    var wide: UInt64

    init(using random: inout Xoshiro256) {
        let bits = Int.random(in: -999_999_999_999...999_999_999_999, using: &random)
        text =
            ["", "plain", "with \"quotes\" and \\", "ü漢👩‍👩‍👧", "line\nline\u{1}", "a/b"].randomElement(using: &random) ?? ""
        number = bits
        small = Bool.random(using: &random) ? Int8(truncatingIfNeeded: bits) : nil
        double = Double.random(in: -1e6...1e6, using: &random)
        float = Float(bits)
        // What ISO 8601 in milliseconds can say.
        date =
            JSONEventCoder.date(
                of: JSONEventCoder.text(of: Date(timeIntervalSince1970: Double(abs(bits) % 4_000_000_000))))
            ?? .distantPast
        total = Decimal(bits) / 100
        link = Bool.random(using: &random) ? URL(string: "https://example.org/\(bits)?a=b") : nil
        data = Data((0..<abs(bits) % 9).map { UInt8($0) })
        flag = bits > 0
        items = (0..<abs(bits) % 4).map { number in
            Item(
                id: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, UInt8(number))),
                tags: (0..<number).map { "tag \($0)" })
        }
        counts = Dictionary(uniqueKeysWithValues: (0..<abs(bits) % 6).map { ("key\($0)", $0) })
        choice = flag ? .one(number) : .none
        wide = UInt64(abs(bits))
    }
}

import Foundation
import Testing

@testable import AfterCommit

/// Foundation's encoder is the reference: what the writer takes upon itself must be the same, byte for byte.
@Suite struct JSONWriterTests {
    /// Members in the order of their names: where Foundation sorts, the writer has them in this order anyway.
    static func reference(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(JSONEventCoder.text(of: date))
        }
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    private func expectSame(_ value: some Encodable, _ location: SourceLocation = #_sourceLocation) throws {
        let written = JSONWriter().text(of: value).map { String(decoding: $0, as: UTF8.self) }
        let reference = String(decoding: try Self.reference(value), as: UTF8.self)
        #expect(written == reference, sourceLocation: location)
    }

    @Test func writesEveryScalar() throws {
        try expectSame(Scalars())
        try expectSame(Scalars.least)
        try expectSame([Scalars(), .least])
        for number in [
            0, -0.0, 1, -1.5, 0.1, 1e21, 1e-7, 123_456_789.125, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        ] {
            try expectSame(["": number])
            try expectSame(Float(number).isFinite ? Float(number) : 0)
        }
        for text in ["0", "-12.50", "0.0000000001", "1e60", "79228162514264337593543950335", "-3e-40"] {
            try expectSame(try #require(Decimal(string: text)))
        }
    }

    @Test func writesEveryString() throws {
        for scalar in (0..<0x300).compactMap(Unicode.Scalar.init) {
            for padding in 0...9 {
                try expectSame(String(repeating: "a", count: padding) + String(Character(scalar)))
            }
        }
        try expectSame("é漢字👩‍👩‍👧 a/b \\ \" \u{2028}\u{FEFF}")
        try expectSame(String(repeating: "long ", count: 10_000) + "\"")
        // A string that Foundation holds in UTF-16.
        try expectSame(NSString(string: "bridged \u{1F600} text") as String)
    }

    @Test func writesEveryShape() throws {
        try expectSame([Int]())
        try expectSame([[[Int]]]([[], [[]], [[1], [2, 3]]]))
        try expectSame([String: [Int?]]())
        try expectSame(["only": [1, nil, 3]])
        try expectSame([Optional<String>.none, "x"])
        try expectSame(Choice.allCases)
        try expectSame([Payload.empty, .one(1), .named(a: "x", b: nil), .nested([.empty, .one(2)])])
        try expectSame(Nested())
        try expectSame(Derived())
        try expectSame([1: "one"])
        try expectSame(7)
    }

    @Test func writesRandomTrees() throws {
        var random = Xoshiro256(seed: 7)
        for _ in 0..<3_000 {
            try expectSame(Tree(depth: 4, using: &random))
        }
    }

    @Test func writesRandomDates() throws {
        var random = Xoshiro256(seed: 11)
        for _ in 0..<20_000 {
            // Years 1400 to 10200, in part at whole milliseconds and seconds.
            var interval = Double.random(in: -19e9...258e9, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: break
            case 3: interval.round()
            case 1: interval = (interval * 1_000).rounded() / 1_000
            case 2: interval = (Double.random(in: -1e6...1e9, using: &random) * 1_000).rounded() / 1_000
            default: interval = Double(Int.random(in: -100_000...100_000, using: &random)) / 1_000
            }
            try expectSame(Date(timeIntervalSinceReferenceDate: interval))
        }
        for text in ["2000-02-29T23:59:59Z", "1900-02-28T00:00:00Z", "2100-03-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            try expectSame(try Date.ISO8601FormatStyle().parse(text))
        }
    }

    @Test func isUsedAgain() throws {
        let writer = JSONWriter()
        #expect(writer.text(of: Irregular { _ = $0.codingPath }) == nil)
        #expect(writer.text(of: ["x": 1]) == Data(#"{"x":1}"#.utf8))
        #expect(writer.text(of: [1, 2]) == Data("[1,2]".utf8))
    }
}

// MARK: Fixtures

private struct Scalars: Codable {
    var a = true
    var b = "text"
    var c = Int8.max
    var d = Int16.max
    var e = Int32.max
    var f = Int64.max
    var g = Int.max
    var h = UInt8.max
    var i = UInt16.max
    var j = UInt32.max
    var k = UInt64.max
    var l = UInt.max
    var m = Float(0.1)
    var n = 0.1
    var o = Data([0, 1, 254, 255, 7])
    var p = Date(timeIntervalSince1970: 1_700_000_000.123)
    var q = URL(string: "https://example.org/a/b?c=d")
    var r = UUID(uuid: (0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255))
    var s = Decimal(string: "1234.5600")
    var t: String?
    var u: Int? = 1
    var v = Int128.max
    var w = UInt128.max

    static let least = Scalars(
        a: false, b: "", c: .min, d: .min, e: .min, f: .min, g: .min, h: .min, i: .min, j: .min, k: .min,
        l: .min, m: -.leastNonzeroMagnitude, n: -.greatestFiniteMagnitude, o: Data(), v: .min, w: .min)
}

private enum Choice: String, Codable, CaseIterable {
    case first, second
}

private indirect enum Payload: Codable {
    case empty
    case one(Int)
    case named(a: String, b: Int?)
    case nested([Payload])
}

/// Containers in containers, made by hand.
private struct Nested: Encodable {
    private enum Key: String, CodingKey { case a, b, c, d }

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Key.self)
        var object = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
        try object.encodeNil(forKey: .a)
        var array = object.nestedUnkeyedContainer(forKey: .b)
        try array.encode(1)
        var inner = array.nestedContainer(keyedBy: Key.self)
        try inner.encode("x", forKey: .c)
        _ = array.nestedUnkeyedContainer()
        try array.encodeNil()
        #expect(array.count == 4)
        _ = outer.nestedContainer(keyedBy: Key.self, forKey: .b)
        try outer.encodeIfPresent(Int?.none, forKey: .c)
        try outer.encode([true], forKey: .d)
    }
}

private class Base: Encodable {
    private enum Key: String, CodingKey { case a }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(1, forKey: .a)
    }
}

/// Writes into the object of its base class.
private final class Derived: Base {
    private enum Key: String, CodingKey { case b }

    override func encode(to encoder: any Encoder) throws {
        try super.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(2, forKey: .b)
    }
}

/// Any JSON, in any of the ways to write it.
private indirect enum Tree: Encodable {
    case null
    case scalar(any Encodable & Sendable)
    case array([Tree])
    case object([(String, Tree)])

    init(depth: Int, using random: inout Xoshiro256) {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &random) {
        case 0: self = .null
        case 1...3: self = .scalar(Self.scalar(&random))
        case 4, 5:
            self = .array(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in Tree(depth: depth - 1, using: &random) })
        default:
            // Of one length, so that every order of strings is the same.
            let names = Set(
                (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                    String((0..<3).map { _ in "abcdef".randomElement(using: &random) ?? "a" })
                })
            self = .object(names.sorted().map { ($0, Tree(depth: depth - 1, using: &random)) })
        }
    }

    private static func scalar(_ random: inout Xoshiro256) -> any Encodable & Sendable {
        let number = Int.random(in: .min ... .max, using: &random) >> Int.random(in: 0..<64, using: &random)
        let characters = ["\"", "\\", "/", "\n", "\u{1}", "a", "ü", "漢", "👩‍👩‍👧", "\u{7F}"]
        switch Int.random(in: 0..<11, using: &random) {
        case 0: return Bool.random(using: &random)
        case 1: return number
        case 2: return UInt32(truncatingIfNeeded: number)
        case 3: return Double(number) / 1_024
        case 4: return Float(number)
        case 5:
            return Data((0..<Int.random(in: 0..<10, using: &random)).map { UInt8(truncatingIfNeeded: number >> $0) })
        case 6: return Date(timeIntervalSinceReferenceDate: Double(number % 1_000_000_000_000) / 1_000)
        case 7: return Decimal(number) / 1_000
        case 8:
            return UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, UInt8(truncatingIfNeeded: number)))
        case 9: return URL(string: "https://example.org/\(number)") ?? URL(fileURLWithPath: "/")
        default:
            return (0..<Int.random(in: 0..<20, using: &random))
                .map { _ in characters.randomElement(using: &random) ?? "a" }.joined()
        }
    }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .scalar(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .array(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        case .object(let members):
            var container = encoder.container(keyedBy: Key.self)
            for (name, tree) in members { try container.encode(tree, forKey: Key(stringValue: name)) }
        }
    }
}

/// Encodes as it is told.
struct Irregular: Encodable {
    let body: (any Encoder) throws -> Void

    init(_ body: @escaping (any Encoder) throws -> Void) {
        self.body = body
    }

    func encode(to encoder: any Encoder) throws {
        try body(encoder)
    }
}

import Foundation
import Testing

@testable import AfterCommit

/// What cannot be written in one pass goes to Foundation, and nothing is told apart from outside.
@Suite struct JSONEventCoderTests {
    private enum Key: String, CodingKey, CaseIterable { case a, b, c }

    private static let irregular: [String: @Sendable (any Encoder) throws -> Void] = [
        "a name twice": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(1, forKey: .a)
            try container.encode(2, forKey: .a)
        },
        "outer before inner": { encoder in
            var outer = encoder.container(keyedBy: Key.self)
            var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
            try outer.encode(1, forKey: .b)
            try inner.encode(2, forKey: .a)
        },
        "two arrays in turns": { encoder in
            var outer = encoder.unkeyedContainer()
            var first = outer.nestedUnkeyedContainer()
            var second = outer.nestedUnkeyedContainer()
            try first.encode(1)
            try second.encode(2)
            try first.encode(3)
        },
        "super encoder": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            let base = container.superEncoder()
            try container.encode(1, forKey: .a)
            var inner = base.container(keyedBy: Key.self)
            try inner.encode(2, forKey: .b)
            var nested = inner.nestedUnkeyedContainer(forKey: .c)
            try nested.encode("x")
            var single = container.superEncoder(forKey: .c).singleValueContainer()
            try single.encode(3)
        },
        "super encoder of an array": { encoder in
            var container = encoder.unkeyedContainer()
            var single = container.superEncoder().singleValueContainer()
            try single.encode([1])
        },
        "a value that writes nothing": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(Irregular { _ in }, forKey: .a)
        },
        "an error that is swallowed": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            try? container.encode(
                Irregular { encoder in
                    var container = encoder.container(keyedBy: Key.self)
                    try container.encode(1, forKey: .a)
                    throw CancellationError()
                }, forKey: .a)
            try container.encode(2, forKey: .b)
        },
        "no number, swallowed": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            try? container.encode(Double.nan, forKey: .a)
            try container.encode(2, forKey: .b)
        },
        "coding path": { encoder in
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(encoder.codingPath.count, forKey: .a)
            try container.encode(Irregular { try $0.codingPath.map(\.stringValue).encode(to: $0) }, forKey: .b)
        },
        "many names": { encoder in
            var container = encoder.container(keyedBy: Name.self)
            for number in 0..<1_000 { try container.encode(number, forKey: Name(stringValue: "n\(number)")) }
        },
    ]

    @Test(arguments: irregular.keys.sorted())
    func leavesToFoundation(_ name: String) throws {
        let value = Irregular(try #require(Self.irregular[name]))
        #expect(JSONWriter().text(of: value) == nil)
        let event = Wrapping(value)
        let bytes = try JSONEventCoder().encode(event)
        let expected = try Self.object(try JSONWriterTests.reference(event))
        #expect(try Self.object(bytes) == expected)
        #expect(try Self.object(try Self.lent(event)) == expected)
    }

    /// A storage that copies the bytes gets the same ones, also while the coder is at work on another event.
    @Test func lendsWhatItReturns() throws {
        let coder = JSONEventCoder()
        let plain = Wrapping(Irregular { try [1, 2].encode(to: $0) })
        try coder.encode(plain) { bytes in
            let other = try coder.encode(Wrapping(Irregular { try "other".encode(to: $0) }))
            #expect(other == Data(#"{"value":"other"}"#.utf8))
            #expect(Data(bytes) == Data(#"{"value":[1,2]}"#.utf8))
        }
        #expect(throws: CancellationError.self) { try coder.encode(plain) { _ in throw CancellationError() } }
        #expect(throws: CancellationError.self) {
            try Self.lent(Wrapping(Irregular { _ in throw CancellationError() }))
        }
        let whole = try coder.encode(plain)
        #expect(try Self.lent(plain) == whole)
    }

    private static func lent(_ event: some Event) throws -> Data {
        var lent: [Data] = []
        try JSONEventCoder().encode(event) { lent.append(Data($0)) }
        #expect(lent.count == 1)
        return try #require(lent.first)
    }

    @Test(arguments: ["nan", "inf", "-inf"])
    func refusesWhatIsNoNumber(_ text: String) throws {
        let number = try #require(Double(text))
        for body in [{ try number.encode(to: $0) }, { try Float(number).encode(to: $0) }]
            as [@Sendable (any Encoder) throws -> Void]
        {
            let error = #expect(throws: EncodingError.self) { try JSONEventCoder().encode(Wrapping(Irregular(body))) }
            guard case .invalidValue(_, let context) = error else { throw try #require(error) }
            #expect(context.codingPath.map(\.stringValue) == ["value"])
        }
    }

    @Test func passesErrorsOn() {
        #expect(throws: CancellationError.self) {
            try JSONEventCoder().encode(Wrapping(Irregular { _ in throw CancellationError() }))
        }
    }

    @Test func keepsDeclarationOrder() throws {
        let bytes = try JSONEventCoder().encode(Ordered(z: 1, a: "x/y", m: nil))
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"z":1,"a":"x/y"}"#)
        #expect(try JSONEventCoder().decode(Ordered.self, from: bytes) == Ordered(z: 1, a: "x/y", m: nil))
    }

    @Test func encodesOnManyThreads() async throws {
        let coder = JSONEventCoder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<2_000 {
                        let event = Ordered(z: number, a: String(repeating: "\(task)", count: number % 70), m: task)
                        let bytes = try coder.encode(event)
                        #expect(try coder.decode(Ordered.self, from: bytes) == event)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// A container that outlives its event must not write into another one's bytes.
    @Test func survivesContainersThatAreKept() throws {
        let coder = JSONEventCoder()
        let kept = Kept()
        let first = Wrapping(
            Irregular { encoder in
                kept.encoder = encoder
                var container = encoder.singleValueContainer()
                try container.encode(1)
            })
        let expected = Data(#"{"value":1}"#.utf8)
        #expect(try coder.encode(first) == expected)
        for _ in 0..<3 {
            let second = Wrapping(
                Irregular { encoder in
                    var late = kept.encoder?.unkeyedContainer()
                    try late?.encode("late")
                    var container = encoder.singleValueContainer()
                    try container.encode(1)
                })
            #expect(try coder.encode(second) == expected)
        }
    }

    private static func object(_ bytes: Data) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: bytes) as? NSDictionary)
    }
}

private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private final class Kept: @unchecked Sendable {
    // Unchecked: one test alone uses it, on one thread.
    var encoder: (any Encoder)?
}

private struct Ordered: Event, Equatable {
    static let type: EventType = "ordered"
    var z: Int
    var a: String
    var m: Int?
}

/// An event around any value.
private struct Wrapping: Event {
    static let type: EventType = "wrapping"
    nonisolated(unsafe) let value: Irregular

    private enum Key: String, CodingKey { case value }

    init(_ value: Irregular) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        throw CancellationError()
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(value, forKey: .value)
    }
}

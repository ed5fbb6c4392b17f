/// The items of an array.
struct JSONArrayReader: UnkeyedDecodingContainer {
    private let tape: JSONTape
    private let end: Int
    private var index: Int
    private(set) var currentIndex = 0

    init(_ tape: JSONTape, _ index: Int) throws {
        guard tape.values[index].kind == .array else { throw tape.giveUp() }
        self.tape = tape
        self.index = index + 1
        end = Int(tape.values[index].next)
    }

    var codingPath: [any CodingKey] {
        _ = tape.giveUp()
        return []
    }

    var count: Int? {
        var count = currentIndex
        var rest = index
        while rest < end {
            rest = Int(tape.values[rest].next)
            count += 1
        }
        return count
    }

    var isAtEnd: Bool { index >= end }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd else { throw tape.giveUp() }
        guard tape.isNull(index) else { return false }
        _ = try take()
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try tape.bool(try take()) }
    mutating func decode(_ type: String.Type) throws -> String { try tape.string(try take()) }
    mutating func decode(_ type: Double.Type) throws -> Double { try tape.double(try take()) }
    mutating func decode(_ type: Float.Type) throws -> Float { try tape.float(try take()) }
    mutating func decode(_ type: Int.Type) throws -> Int { try tape.integer(type, try take()) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try tape.integer(type, try take()) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try tape.integer(type, try take()) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try tape.integer(type, try take()) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try tape.integer(type, try take()) }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try tape.integer(type, try take()) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try tape.integer(type, try take()) }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try tape.decode(type, at: try take()) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        KeyedDecodingContainer(try JSONObjectReader<NestedKey>(tape, try take()))
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try JSONArrayReader(tape, try take())
    }

    mutating func superDecoder() throws -> any Decoder { throw tape.giveUp() }

    /// An error makes Foundation do all of it, so that going on behind it does no harm.
    private mutating func take() throws -> Int {
        guard !isAtEnd else { throw tape.giveUp() }
        defer {
            index = Int(tape.values[index].next)
            currentIndex += 1
        }
        return index
    }
}

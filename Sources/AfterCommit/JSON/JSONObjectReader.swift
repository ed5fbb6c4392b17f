/// The members of an object.
struct JSONObjectReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let tape: JSONTape
    private let first: Int
    private let end: Int
    private let cursor = JSONCursor()

    init(_ tape: JSONTape, _ index: Int) throws {
        guard tape.values[index].kind == .object else { throw tape.giveUp() }
        self.tape = tape
        first = index + 1
        end = Int(tape.values[index].next)
    }

    var codingPath: [any CodingKey] {
        _ = tape.giveUp()
        return []
    }

    var allKeys: [Key] {
        var keys: [Key] = []
        var name = first
        while name < end {
            if let text = try? tape.string(name), let key = Key(stringValue: text) { keys.append(key) }
            name = Int(tape.values[name + 1].next)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { tape.isNull(try index(key)) }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try tape.bool(try index(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try tape.string(try index(key)) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try tape.double(try index(key)) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try tape.float(try index(key)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try tape.integer(type, try index(key)) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try tape.integer(type, try index(key)) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try tape.integer(type, try index(key)) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try tape.integer(type, try index(key)) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try tape.integer(type, try index(key)) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try tape.integer(type, try index(key)) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try tape.integer(type, try index(key)) }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try tape.decode(type, at: try index(key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        KeyedDecodingContainer(try JSONObjectReader<NestedKey>(tape, try index(key)))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try JSONArrayReader(tape, try index(key))
    }

    func superDecoder() throws -> any Decoder { throw tape.giveUp() }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw tape.giveUp() }

    private func index(_ key: Key) throws -> Int {
        guard let index = find(key) else { throw tape.giveUp() }
        return index
    }

    /// Where the value of a name is. Most types ask in the order in which they were written.
    private func find(_ key: Key) -> Int? {
        guard first < end else { return nil }
        var text = key.stringValue
        return text.withUTF8 { bytes in
            guard let start = bytes.baseAddress ?? Self.nowhere else { return nil }
            let begin = cursor.next >= first && cursor.next < end ? cursor.next : first
            var name = begin
            repeat {
                let following = Int(tape.values[name + 1].next)
                if tape.isName(name, start, bytes.count) {
                    // The one itself is asked for twice, first whether it is there.
                    cursor.next = name
                    return name + 1
                }
                name = following < end ? following : first
            } while name != begin
            // All names here are ASCII, but a string with other bytes can be equal to one (U+212A is a K).
            if bytes.contains(where: { $0 >= 0x80 }) { _ = tape.giveUp() }
            return nil
        }
    }

    private static var nowhere: UnsafePointer<UInt8>? { UnsafePointer(bitPattern: 1) }
}

/// Where an object is read on.
final class JSONCursor {
    @exclusivity(unchecked) var next = 0
}

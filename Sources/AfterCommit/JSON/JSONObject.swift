/// The members of an object.
struct JSONObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: JSONWriter
    let depth: Int
    let serial: UInt64

    var codingPath: [any CodingKey] {
        writer.giveUp()
        return []
    }

    func encodeNil(forKey key: Key) { if begin(key) { writer.writeNull() } }
    func encode(_ value: Bool, forKey key: Key) { if begin(key) { writer.write(value) } }
    func encode(_ value: String, forKey key: Key) { if begin(key) { writer.write(value) } }
    func encode(_ value: Double, forKey key: Key) { if begin(key) { writer.write(value) } }
    func encode(_ value: Float, forKey key: Key) { if begin(key) { writer.write(value) } }
    func encode(_ value: Int, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: Int8, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: Int16, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: Int32, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: Int64, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: Int128, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt8, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt16, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt32, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt64, forKey key: Key) { if begin(key) { writer.write(integer: value) } }
    func encode(_ value: UInt128, forKey key: Key) { if begin(key) { writer.write(integer: value) } }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        if begin(key) { try writer.write(value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        _ = begin(key)
        let nested = writer.openNested(isObject: true)
        return KeyedEncodingContainer(
            JSONObject<NestedKey>(writer: writer, depth: depth + 1, serial: nested))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        _ = begin(key)
        return JSONArray(writer: writer, depth: depth + 1, serial: writer.openNested(isObject: false))
    }

    func superEncoder() -> any Encoder { writer.abandonedEncoder() }
    func superEncoder(forKey key: Key) -> any Encoder { writer.abandonedEncoder() }

    private func begin(_ key: Key) -> Bool {
        writer.beginMember(serial, depth: depth, key.stringValue)
    }
}

extension JSONWriter {
    /// May be written to at any later moment, so the whole goes to Foundation; what is written to it is lost.
    func abandonedEncoder() -> any Encoder {
        giveUp()
        return JSONValueEncoder(writer: self, depth: 1 << 32, serial: .max)
    }
}

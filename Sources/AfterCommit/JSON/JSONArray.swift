/// The items of an array.
struct JSONArray: UnkeyedEncodingContainer {
    let writer: JSONWriter
    let depth: Int
    let serial: UInt64

    var codingPath: [any CodingKey] {
        writer.giveUp()
        return []
    }

    var count: Int { writer.itemCount(serial, depth: depth) }

    func encodeNil() { if begin() { writer.writeNull() } }
    func encode(_ value: Bool) { if begin() { writer.write(value) } }
    func encode(_ value: String) { if begin() { writer.write(value) } }
    func encode(_ value: Double) { if begin() { writer.write(value) } }
    func encode(_ value: Float) { if begin() { writer.write(value) } }
    func encode(_ value: Int) { if begin() { writer.write(integer: value) } }
    func encode(_ value: Int8) { if begin() { writer.write(integer: value) } }
    func encode(_ value: Int16) { if begin() { writer.write(integer: value) } }
    func encode(_ value: Int32) { if begin() { writer.write(integer: value) } }
    func encode(_ value: Int64) { if begin() { writer.write(integer: value) } }
    func encode(_ value: Int128) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt8) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt16) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt32) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt64) { if begin() { writer.write(integer: value) } }
    func encode(_ value: UInt128) { if begin() { writer.write(integer: value) } }

    func encode<T: Encodable>(_ value: T) throws {
        if begin() { try writer.write(value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        _ = begin()
        let nested = writer.openNested(isObject: true)
        return KeyedEncodingContainer(
            JSONObject<NestedKey>(writer: writer, depth: depth + 1, serial: nested))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        _ = begin()
        return JSONArray(writer: writer, depth: depth + 1, serial: writer.openNested(isObject: false))
    }

    func superEncoder() -> any Encoder { writer.abandonedEncoder() }

    private func begin() -> Bool {
        writer.beginItem(serial, depth: depth)
    }
}

/// Hands the containers of one value out.
struct JSONValueEncoder: Encoder {
    let writer: JSONWriter
    let depth: Int
    let serial: UInt64

    /// Nobody asks in the usual way of things, so it is not kept: Foundation does it.
    var codingPath: [any CodingKey] {
        writer.giveUp()
        return []
    }

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        writer.open(serial, depth: depth, isObject: true)
        return KeyedEncodingContainer(JSONObject(writer: writer, depth: depth, serial: serial))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        writer.open(serial, depth: depth, isObject: false)
        return JSONArray(writer: writer, depth: depth, serial: serial)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        self
    }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { if writer.beginValue(at: depth) { writer.writeNull() } }
    func encode(_ value: Bool) { if writer.beginValue(at: depth) { writer.write(value) } }
    func encode(_ value: String) { if writer.beginValue(at: depth) { writer.write(value) } }
    func encode(_ value: Double) { if writer.beginValue(at: depth) { writer.write(value) } }
    func encode(_ value: Float) { if writer.beginValue(at: depth) { writer.write(value) } }
    func encode(_ value: Int) { encode(integer: value) }
    func encode(_ value: Int8) { encode(integer: value) }
    func encode(_ value: Int16) { encode(integer: value) }
    func encode(_ value: Int32) { encode(integer: value) }
    func encode(_ value: Int64) { encode(integer: value) }
    func encode(_ value: Int128) { encode(integer: value) }
    func encode(_ value: UInt) { encode(integer: value) }
    func encode(_ value: UInt8) { encode(integer: value) }
    func encode(_ value: UInt16) { encode(integer: value) }
    func encode(_ value: UInt32) { encode(integer: value) }
    func encode(_ value: UInt64) { encode(integer: value) }
    func encode(_ value: UInt128) { encode(integer: value) }

    func encode<T: Encodable>(_ value: T) throws {
        if writer.beginValue(at: depth) { try writer.write(value) }
    }

    private func encode(integer: some FixedWidthInteger) {
        if writer.beginValue(at: depth) { writer.write(integer: integer) }
    }
}

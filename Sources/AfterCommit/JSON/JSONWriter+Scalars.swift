import Foundation

extension JSONWriter {
    /// Writes a value of one of the types that JSON, or Foundation, has a form of its own for.
    /// - Returns: whether it is one.
    func writeScalar<T: Encodable>(_ value: T) throws -> Bool {
        // The types are the same, so the bits are; a dynamic cast would take longer than the rest.
        func cast<U>(_: U.Type) -> U { unsafeBitCast(value, to: U.self) }
        if T.self == String.self {
            write(cast(String.self))
        } else if T.self == Int.self {
            write(integer: cast(Int.self))
        } else if T.self == UUID.self {
            write(cast(UUID.self))
        } else if T.self == Date.self {
            write(cast(Date.self))
        } else if T.self == Decimal.self {
            write(cast(Decimal.self))
        } else if T.self == Double.self {
            write(cast(Double.self))
        } else if T.self == Bool.self {
            write(cast(Bool.self))
        } else if T.self == Data.self {
            write(cast(Data.self).base64EncodedString())
        } else if T.self == URL.self {
            write(cast(URL.self).absoluteString)
        } else if T.self == UInt8.self {
            write(integer: cast(UInt8.self))
        } else if T.self == UInt64.self {
            write(integer: cast(UInt64.self))
        } else if T.self == Int64.self {
            write(integer: cast(Int64.self))
        } else {
            return false
        }
        return true
    }

    func writeNull() {
        if beginScalar() { put("null") }
    }

    func write(_ value: Bool) {
        if beginScalar() { value ? put("true") : put("false") }
    }

    func write(_ value: String) {
        if beginScalar() { writeText(value) }
    }

    // MARK: Numbers

    func write(integer value: some FixedWidthInteger) {
        guard beginScalar() else { return }
        guard let magnitude = UInt64(exactly: value.magnitude) else { return writePlain(String(value)) }
        if value < 0 { put(0x2D) }
        writeDigits(magnitude)
    }

    func write(_ value: Double) {
        write(number: value.description, isFinite: value.isFinite)
    }

    func write(_ value: Float) {
        write(number: value.description, isFinite: value.isFinite)
    }

    private func write(number: String, isFinite: Bool) {
        // Foundation throws for what JSON has no number for.
        guard isFinite else { return giveUp() }
        guard beginScalar() else { return }
        writePlain(number.hasSuffix(".0") ? String(number.dropLast(2)) : number)
    }

    private func write(_ value: Decimal) {
        guard value.isFinite else { return giveUp() }
        if beginScalar() { writePlain(value.description) }
    }

    /// Digits two at a time, from the last one on.
    private func writeDigits(_ value: UInt64) {
        append(atMost: 20) { target in
            var length = 1
            var rest = value
            while rest >= 10 {
                rest /= 10
                length += 1
            }
            rest = value
            var position = length
            repeat {
                position -= 1
                target[position] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while position > 0
            return length
        }
    }

    // MARK: Text

    private func write(_ value: UUID) {
        guard beginScalar() else { return }
        append(atMost: 38) { target in
            target[0] = 0x22
            var position = 1
            withUnsafeBytes(of: value.uuid) { bytes in
                for index in 0..<16 {
                    if index == 4 || index == 6 || index == 8 || index == 10 {
                        target[position] = 0x2D
                        position += 1
                    }
                    target[position] = Self.hexDigit(bytes[index] >> 4)
                    target[position + 1] = Self.hexDigit(bytes[index] & 0xF)
                    position += 2
                }
            }
            target[position] = 0x22
            return position + 1
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x37 + value
    }

    private func write(_ value: Date) {
        guard beginScalar() else { return }
        guard let time = CivilTime(value) else { return writeText(JSONEventCoder.text(of: value)) }
        append(atMost: 26) { target in
            time.write(to: target)
            return 26
        }
    }

    /// ASCII without anything that must be escaped.
    private func writePlain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            if let start = bytes.baseAddress { append(start, bytes.count) }
        }
    }

    /// A string in quotes. Slashes and everything beyond ASCII stay as they are (RFC 8259, section 7).
    func writeText(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let source = bytes.baseAddress, !Self.needsEscape(source, bytes.count) else {
                put(0x22)
                for byte in bytes { putEscaped(byte) }
                return put(0x22)
            }
            append(atMost: bytes.count + 2) { target in
                target[0] = 0x22
                (target + 1).update(from: source, count: bytes.count)
                target[bytes.count + 1] = 0x22
                return bytes.count + 2
            }
        }
    }

    /// Whether there is a quote, a backslash or a control character, eight bytes at a step.
    private static func needsEscape(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let raw = UnsafeRawPointer(bytes)
        var position = 0
        while position + 8 <= count {
            let word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // A byte minus one borrows from its high bit where it was zero (Mycroft 1987); false alarms only cost time.
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let found = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word
            if found & highs != 0 { return true }
            position += 8
        }
        while position < count {
            let byte = bytes[position]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return true }
            position += 1
        }
        return false
    }

    private func putEscaped(_ byte: UInt8) {
        switch byte {
        case 0x22: put("\\\"")
        case 0x5C: put("\\\\")
        case 0x08: put("\\b")
        case 0x09: put("\\t")
        case 0x0A: put("\\n")
        case 0x0C: put("\\f")
        case 0x0D: put("\\r")
        case 0..<0x20:
            put("\\u00")
            // In lower case, as Foundation has them.
            put(Self.hexDigit(byte >> 4) | 0x20)
            put(Self.hexDigit(byte & 0xF) | 0x20)
        default: put(byte)
        }
    }
}

import Foundation

extension JSONTape {
    /// The value at `index` as a value of any type.
    func decode<T: Decodable>(_ type: T.Type, at index: Int) throws -> T {
        // The types are the same, so the bits are; a dynamic cast would take longer than the rest.
        func cast<U>(_ value: U) -> T { unsafeBitCast(value, to: T.self) }
        if T.self == String.self { return cast(try string(index)) }
        if T.self == Int.self { return cast(try integer(Int.self, index)) }
        if T.self == UUID.self { return cast(try uuid(index)) }
        if T.self == Date.self { return cast(try date(index)) }
        if T.self == Decimal.self { return cast(try decimal(index)) }
        if T.self == Double.self { return cast(try double(index)) }
        if T.self == Bool.self { return cast(try bool(index)) }
        if T.self == Data.self { return cast(try data(index)) }
        if T.self == URL.self { return cast(try url(index)) }
        do {
            return try T(from: JSONValueDecoder(tape: self, index: index))
        } catch {
            // Whoever called may go on without this value; Foundation tells whether it may.
            throw giveUp()
        }
    }

    func isNull(_ index: Int) -> Bool { values[index].kind == .null }

    func bool(_ index: Int) throws -> Bool {
        switch values[index].kind {
        case .yes: true
        case .no: false
        default: throw giveUp()
        }
    }

    func string(_ index: Int) throws -> String {
        let value = values[index]
        let text = UnsafeBufferPointer(start: bytes + Int(value.start), count: Int(value.end - value.start))
        switch value.kind {
        case .string:
            // What is ASCII is valid, and `validating` takes several times as long.
            if Self.isASCII(text) { return String(decoding: text, as: UTF8.self) }
            guard let string = String(validating: text, as: UTF8.self) else { throw giveUp() }
            return string
        case .escapedString:
            return try unescaped(text)
        default:
            throw giveUp()
        }
    }

    // MARK: Numbers

    func integer<T: FixedWidthInteger>(_ type: T.Type, _ index: Int) throws -> T {
        let value = values[index]
        var position = Int(value.start)
        let isNegative = bytes[position] == 0x2D
        if isNegative { position += 1 }
        // 18 digits fit into 64 bits; fractions and exponents are Foundation's.
        guard value.kind == .number, Int(value.end) - position <= 18 else { throw giveUp() }
        var magnitude: Int64 = 0
        while position < Int(value.end) {
            guard 0x30...0x39 ~= bytes[position] else { throw giveUp() }
            magnitude = magnitude * 10 + Int64(bytes[position] - 0x30)
            position += 1
        }
        guard let number = T(exactly: isNegative ? -magnitude : magnitude) else { throw giveUp() }
        return number
    }

    func double(_ index: Int) throws -> Double {
        guard let number = Double(try digits(index)), number.isFinite else { throw giveUp() }
        return number
    }

    func float(_ index: Int) throws -> Float {
        guard let number = Float(try digits(index)), number.isFinite else { throw giveUp() }
        return number
    }

    private func digits(_ index: Int) throws -> String {
        let value = values[index]
        guard value.kind == .number else { throw giveUp() }
        return String(
            decoding: UnsafeBufferPointer(start: bytes + Int(value.start), count: Int(value.end - value.start)),
            as: UTF8.self)
    }

    private func decimal(_ index: Int) throws -> Decimal {
        let value = values[index]
        var position = Int(value.start)
        let isNegative = bytes[position] == 0x2D
        if isNegative { position += 1 }
        guard value.kind == .number, Int(value.end) - position <= 18 else { throw giveUp() }
        var magnitude: Int64 = 0
        var exponent = 0
        var hasPoint = false
        while position < Int(value.end) {
            let byte = bytes[position]
            position += 1
            if byte == 0x2E {
                hasPoint = true
                continue
            }
            guard 0x30...0x39 ~= byte else { throw giveUp() }
            magnitude = magnitude * 10 + Int64(byte - 0x30)
            if hasPoint { exponent -= 1 }
        }
        // A negative zero would be no number.
        guard magnitude > 0 || !isNegative else { throw giveUp() }
        return Decimal(sign: isNegative ? .minus : .plus, exponent: exponent, significand: Decimal(magnitude))
    }

    // MARK: Text

    private func uuid(_ index: Int) throws -> UUID {
        let value = values[index]
        if value.kind == .string, value.end - value.start == 36, let uuid = Self.uuid(bytes + Int(value.start)) {
            return uuid
        }
        guard let uuid = UUID(uuidString: try string(index)) else { throw giveUp() }
        return uuid
    }

    /// 36 characters in the usual five groups (RFC 9562, section 4). Foundation reads them with `sscanf`.
    private static func uuid(_ text: UnsafePointer<UInt8>) -> UUID? {
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for position in 0..<36 {
            let byte = text[position]
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == 0x2D else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            if position < 18 {
                words.high = words.high << 4 | UInt64(digit)
            } else {
                words.low = words.low << 4 | UInt64(digit)
            }
        }
        return withUnsafeBytes(of: (words.high.bigEndian, words.low.bigEndian)) { bytes in
            UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
        }
    }

    private static func isASCII(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = UnsafeRawBufferPointer(text)
        var position = 0
        var seen: UInt64 = 0
        while position + 8 <= raw.count {
            seen |= raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            position += 8
        }
        while position < raw.count {
            seen |= UInt64(raw[position])
            position += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    private func url(_ index: Int) throws -> URL {
        guard let url = URL(string: try string(index)) else { throw giveUp() }
        return url
    }

    private func data(_ index: Int) throws -> Data {
        guard let data = Data(base64Encoded: try string(index)) else { throw giveUp() }
        return data
    }

    private func date(_ index: Int) throws -> Date {
        let value = values[index]
        if value.kind == .string, value.end - value.start == CivilTime.length,
            let date = CivilTime.date(bytes + Int(value.start))
        {
            return date
        }
        guard let date = JSONEventCoder.date(of: try string(index)) else { throw giveUp() }
        return date
    }

    private func unescaped(_ text: UnsafeBufferPointer<UInt8>) throws -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let byte = text[position]
            position += 1
            guard byte == 0x5C else {
                result.append(byte)
                continue
            }
            // The parser has seen what follows.
            let escape = text[position]
            position += 1
            switch escape {
            case 0x22, 0x5C, 0x2F: result.append(escape)
            case 0x62: result.append(0x08)
            case 0x66: result.append(0x0C)
            case 0x6E: result.append(0x0A)
            case 0x72: result.append(0x0D)
            case 0x74: result.append(0x09)
            case 0x75:
                guard position + 4 <= text.count,
                    let unit = UInt32(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16),
                    text[position] != 0x2B, let scalar = Unicode.Scalar(unit)
                else { throw giveUp() }
                result.append(contentsOf: String(Character(scalar)).utf8)
                position += 4
            default: throw giveUp()
            }
        }
        guard let string = String(validating: result, as: UTF8.self) else { throw giveUp() }
        return string
    }
}

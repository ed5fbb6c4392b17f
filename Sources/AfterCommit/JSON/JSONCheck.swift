/// Checks bytes against the grammar of JSON (RFC 8259), without recursion. Whether they are UTF-8 is not its business.
struct JSONCheck {
    /// Deeper nesting is refused: receivers' parsers have limits, too.
    static let maxDepth = 512

    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    /// The brackets that are open: `true` for an object.
    private var open: [Bool] = []
    /// Whether the grammar asks for a value next.
    private var needsValue = true

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Whether the bytes are one value, with blanks around it.
    mutating func isOneValue() -> Bool {
        repeat {
            guard beginValue() else { return false }
            // A value has ended: close what ends with it, until a comma asks for another one.
            while let isObject = open.last, !needsValue {
                skipBlanks()
                if take(isObject ? "}" : "]") {
                    open.removeLast()
                } else {
                    guard take(","), !isObject || key() else { return false }
                    needsValue = true
                }
            }
        } while needsValue
        skipBlanks()
        return place == bytes.count
    }

    /// Reads a value, of an array or object only what comes before its first value.
    private mutating func beginValue() -> Bool {
        needsValue = false
        skipBlanks()
        guard let byte = peek() else { return false }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            place += 1
            let isObject = byte == UInt8(ascii: "{")
            guard open.count < Self.maxDepth else { return false }
            open.append(isObject)
            skipBlanks()
            if peek() == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { return true }
            needsValue = true
            return !isObject || key()
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return take("true")
        case UInt8(ascii: "f"): return take("false")
        case UInt8(ascii: "n"): return take("null")
        default: return number()
        }
    }

    private mutating func key() -> Bool {
        skipBlanks()
        guard string() else { return false }
        skipBlanks()
        return take(":")
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""): return true
            case 0..<0x20: return false
            case UInt8(ascii: "\\"):
                guard let escaped = next() else { return false }
                if escaped == UInt8(ascii: "u") {
                    for _ in 0..<4 { guard let digit = next(), Self.isHex(digit) else { return false } }
                } else if !"\"\\/bfnrt".utf8.contains(escaped) {
                    return false
                }
            default: break
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            return digits()
        }
        return true
    }

    /// One digit or more.
    private mutating func digits() -> Bool {
        let start = place
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        return place > start
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private mutating func skipBlanks() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { place += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - place >= count,
            (0..<count).allSatisfy({ bytes[place + $0] == text.utf8Start[$0] })
        else { return false }
        place += count
        return true
    }

    private func peek() -> UInt8? {
        place < bytes.count ? bytes[place] : nil
    }

    private mutating func next() -> UInt8? {
        guard place < bytes.count else { return nil }
        defer { place += 1 }
        return bytes[place]
    }
}

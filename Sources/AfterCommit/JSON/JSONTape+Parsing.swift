import Foundation

/// How the text is cut into values.
extension JSONTape {
    func value(depth: Int) throws(GivenUp) {
        guard depth < Self.maxDepth else { throw GivenUp() }
        skipSpace()
        switch peek() {
        case 0x7B: try object(depth)
        case 0x5B: try array(depth)
        case 0x22: try string()
        case 0x74: try word("true", .yes)
        case 0x66: try word("false", .no)
        case 0x6E: try word("null", .null)
        default: try number()
        }
    }

    private func object(_ depth: Int) throws(GivenUp) {
        let index = open(.object)
        var names = 0
        var hashes: UInt64 = 0
        skipSpace()
        if peek() == 0x7D { return close(index) }
        while true {
            skipSpace()
            guard peek() == 0x22 else { throw GivenUp() }
            let name = values.count
            try string(isName: true)
            names += 1
            guard names <= Self.maxNames else { throw GivenUp() }
            try noteName(name, of: index, &hashes)
            skipSpace()
            try take(0x3A)
            try value(depth: depth + 1)
            skipSpace()
            if peek() == 0x7D { return close(index) }
            try take(0x2C)
        }
    }

    private func array(_ depth: Int) throws(GivenUp) {
        let index = open(.array)
        skipSpace()
        if peek() == 0x5D { return close(index) }
        while true {
            try value(depth: depth + 1)
            skipSpace()
            if peek() == 0x5D { return close(index) }
            try take(0x2C)
        }
    }

    private func string(isName: Bool = false) throws(GivenUp) {
        position += 1
        let start = position
        var isEscaped = false
        while position < count {
            let byte = bytes[position]
            if byte == 0x22 { break }
            guard byte >= 0x20, !isName || (byte < 0x80 && byte != 0x5C) else { throw GivenUp() }
            if byte == 0x5C {
                isEscaped = true
                position += 1
            }
            position += 1
        }
        guard position < count else { throw GivenUp() }
        append(isEscaped ? .escapedString : .string, start, position)
        position += 1
    }

    /// RFC 8259, section 6.
    private func number() throws(GivenUp) {
        let start = position
        func digits() -> Int {
            let first = position
            while position < count, 0x30...0x39 ~= bytes[position] { position += 1 }
            return position - first
        }
        if peek() == 0x2D { position += 1 }
        let leadsWithZero = peek() == 0x30
        let whole = digits()
        guard whole == 1 || (whole > 1 && !leadsWithZero) else { throw GivenUp() }
        if peek() == 0x2E {
            position += 1
            guard digits() > 0 else { throw GivenUp() }
        }
        if peek() == 0x65 || peek() == 0x45 {
            position += 1
            if peek() == 0x2B || peek() == 0x2D { position += 1 }
            guard digits() > 0 else { throw GivenUp() }
        }
        append(.number, start, position)
    }

    private func word(_ word: StaticString, _ kind: Value.Kind) throws(GivenUp) {
        let length = word.utf8CodeUnitCount
        guard position + length <= count, memcmp(bytes + position, word.utf8Start, length) == 0 else {
            throw GivenUp()
        }
        append(kind, position, position + length)
        position += length
    }

    private func noteName(_ name: Int, of object: Int, _ hashes: inout UInt64) throws(GivenUp) {
        let range = values[name]
        let length = Int(range.end - range.start)
        var hash = length &* 31
        if length > 0 {
            hash = hash &+ Int(bytes[Int(range.start)]) &* 7 &+ Int(bytes[Int(range.end) - 1])
        }
        let bit = UInt64(1) << UInt64(hash & 63)
        if hashes & bit != 0 {
            var other = object + 1
            while other < name {
                if isName(other, bytes + Int(range.start), length) { throw GivenUp() }
                other = Int(values[other + 1].next)
            }
        }
        hashes |= bit
    }

    // MARK: Bytes

    private func open(_ kind: Value.Kind) -> Int {
        append(kind, position, position)
        position += 1
        return values.count - 1
    }

    private func close(_ index: Int) {
        position += 1
        values[index].end = Int32(position)
        values[index].next = Int32(values.count)
    }

    private func append(_ kind: Value.Kind, _ start: Int, _ end: Int) {
        values.append(
            Value(kind: kind, start: Int32(start), end: Int32(end), next: Int32(values.count + 1)))
    }

    /// Zero, which nothing begins with, at the end.
    private func peek() -> UInt8 {
        position < count ? bytes[position] : 0
    }

    private func take(_ byte: UInt8) throws(GivenUp) {
        guard peek() == byte else { throw GivenUp() }
        position += 1
    }

    func skipSpace() {
        while position < count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}

import Foundation

/// The members of a JSON object, each with the bytes of its value as they stand there.
struct JSONMembers {
    struct Member {
        let name: String
        /// The value's bytes, without the blanks around it.
        let bytes: Data

        /// The value of a string.
        var text: String? { JSONMembers.text(of: bytes) }
        var isNull: Bool { bytes.elementsEqual("null".utf8) }
        /// The letters of a number or a truth value.
        var scalar: String? {
            guard let first = bytes.first, first != UInt8(ascii: "{"), first != UInt8(ascii: "["),
                first != UInt8(ascii: "\"")
            else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private(set) var values: [Member] = []

    /// - Parameter json: one valid JSON value: what is read here is not checked again.
    /// - Returns: `nil` where it is no object.
    init?(ofValid json: Data) {
        var scanner = Scanner(bytes: [UInt8](json))
        scanner.skipBlanks()
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        while true {
            scanner.skipBlanks()
            if scanner.take(UInt8(ascii: "}")) { return }
            _ = scanner.take(UInt8(ascii: ","))
            scanner.skipBlanks()
            guard let name = Self.text(of: scanner.value()) else { return nil }
            scanner.skipBlanks()
            guard scanner.take(UInt8(ascii: ":")) else { return nil }
            scanner.skipBlanks()
            values.append(Member(name: name, bytes: scanner.value()))
        }
    }

    /// The text of a JSON string, quotes included; `nil` for another value.
    static func text(of json: Data) -> String? {
        guard json.first == UInt8(ascii: "\"") else { return nil }
        if !json.contains(UInt8(ascii: "\\")) {
            return String(validating: json.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONDecoder().decode(String.self, from: json)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var place = 0

        mutating func skipBlanks() {
            while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            guard place < bytes.count, bytes[place] == byte else { return false }
            place += 1
            return true
        }

        /// The bytes of the value that begins here.
        mutating func value() -> Data {
            let start = place
            var depth = 0
            while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: "\""): skipString()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    place += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return trimmed(start) }
                    depth -= 1
                    place += 1
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    if depth == 0 { return trimmed(start) }
                    place += 1
                default: place += 1
                }
            }
            return trimmed(start)
        }

        private mutating func skipString() {
            place += 1
            while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
                place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
            }
            place += 1
        }

        private func trimmed(_ start: Int) -> Data {
            var end = min(place, bytes.count)
            while end > start, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[end - 1]) { end -= 1 }
            return Data(bytes[start..<end])
        }
    }
}

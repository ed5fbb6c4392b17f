package import Foundation

/// How an outbox's columns say dates and headers, in a database without types of its own for them.
package enum OutboxText {
    /// A JSON object of texts; `nil` for no headers.
    package static func headers(_ headers: [String: String]) throws -> String? {
        guard !headers.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(headers), as: UTF8.self)
    }

    /// - Returns: `nil` for a text that is no JSON object of texts.
    package static func headers(of text: String?) -> [String: String]? {
        guard let text, !text.isEmpty, text != "{}" else { return [:] }
        return try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    /// RFC 3339 in UTC with milliseconds.
    package static func time(_ time: Date) -> String {
        String(unsafeUninitializedCapacity: timeCapacity) { write(time, to: UnsafeMutableRawBufferPointer($0)) }
    }

    /// More bytes than any date needs.
    package static let timeCapacity = 48

    /// Writes ``time(_:)``.
    /// - Returns: how many bytes it has.
    package static func write(_ time: Date, to target: UnsafeMutableRawBufferPointer) -> Int {
        guard let civil = CivilTime(time) else {
            let text = CivilDate.rfc3339(time).utf8.prefix(target.count)
            target.copyBytes(from: text)
            return text.count
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: CivilTime.length + 2) { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            // Quotes included.
            civil.write(to: start)
            target.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[1...CivilTime.length]))
            return CivilTime.length
        }
    }

    /// The moment of a text as we write it, as ISO 8601 has it otherwise, or as SQLite's `CURRENT_TIMESTAMP` writes it.
    package static func time(of text: String) -> Date? {
        var text = text
        let date = text.withUTF8 { bytes in
            bytes.count == CivilTime.length ? bytes.baseAddress.flatMap(CivilTime.date) : nil
        }
        if let date { return date }
        if let date = JSONEventCoder.date(of: text) { return date }
        guard text.utf8.count == 19, let space = text.firstIndex(of: " ") else { return nil }
        return JSONEventCoder.date(of: text.replacingCharacters(in: space...space, with: "T") + "Z")
    }
}

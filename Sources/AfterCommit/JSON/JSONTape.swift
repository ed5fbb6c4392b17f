import Foundation

/// A JSON text, cut into its values in one pass.
///
/// What is not plain makes it give up, and Foundation decodes the event instead: anything invalid, names with escapes or
/// beyond ASCII, a name twice, numbers that are not the digits of their type, somebody who asks for the coding path.
/// Errors are therefore always Foundation's.
final class JSONTape {
    struct Value {
        enum Kind: UInt8 {
            case object, array, string, escapedString, number, yes, no, null
        }

        let kind: Kind
        /// Its bytes; of a string those between the quotes.
        var start: Int32
        var end: Int32
        /// Where the value behind it stands.
        var next: Int32
    }

    /// Ends a decoding that Foundation does again.
    struct GivenUp: Error {}

    static let maxDepth = 128
    static let maxNames = 128

    let bytes: UnsafeMutablePointer<UInt8>
    let count: Int
    @exclusivity(unchecked) var values: [Value] = []
    @exclusivity(unchecked) private(set) var hasGivenUp = false
    @exclusivity(unchecked) var position = 0

    /// - Returns: `nil` where Foundation must do it.
    init?(_ data: Data) {
        count = data.count
        guard count > 0, count < Int(Int32.max) else { return nil }
        // Its own copy: somebody may keep a container for longer than the data lives.
        bytes = .allocate(capacity: count)
        data.copyBytes(to: bytes, count: count)
        values.reserveCapacity(32)
        do {
            try value(depth: 0)
            skipSpace()
        } catch {
            return nil
        }
        guard position == count else { return nil }
    }

    deinit {
        bytes.deallocate()
    }

    func decode<T: Decodable>(_ type: T.Type) -> T? {
        guard let value = try? self.decode(type, at: 0) else { return nil }
        return hasGivenUp ? nil : value
    }

    func giveUp() -> GivenUp {
        hasGivenUp = true
        return GivenUp()
    }

    /// Whether the name at `index` has these bytes.
    func isName(_ index: Int, _ other: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let name = values[index]
        return Int(name.end - name.start) == length && memcmp(bytes + Int(name.start), other, length) == 0
    }
}

import Foundation

/// Writes JSON text in one pass, without a tree in between: several times as fast as Foundation's `JSONEncoder`.
///
/// Containers are closed when one further out is written to. What needs more than one pass makes it give up, and Foundation
/// encodes the event instead: a container that is written to after it was closed, a name twice in an object, a value
/// that writes nothing, `superEncoder`, somebody who asks for the coding path, any error.
final class JSONWriter {
    /// An open object or array.
    struct Level {
        /// Of the encoder that opened it.
        let serial: UInt64
        let isObject: Bool
        var count = 0
        /// A bit for each hash of a name that was written.
        var nameHashes: UInt64 = 0
        /// Where its names begin among those of all open objects.
        let firstName: Int
    }

    /// An object with more names goes to Foundation: looking for a name's twin would take long.
    static let maxNames = 128

    @exclusivity(unchecked) private(set) var buffer: UnsafeMutablePointer<UInt8>
    @exclusivity(unchecked) private var capacity = 1_024
    @exclusivity(unchecked) private(set) var count = 0
    @exclusivity(unchecked) var levels: [Level] = []
    @exclusivity(unchecked) var names: [Range<Int>] = []
    @exclusivity(unchecked) var serial: UInt64 = 0
    /// A value must come now: at the start, behind a name, behind a comma.
    @exclusivity(unchecked) var isValueDue = true
    @exclusivity(unchecked) private(set) var hasGivenUp = false

    init() {
        buffer = .allocate(capacity: capacity)
        levels.reserveCapacity(8)
        names.reserveCapacity(32)
    }

    deinit {
        buffer.deallocate()
    }

    /// Whether it is worth being kept.
    var isSmall: Bool { capacity <= 65_536 }

    /// What was written. It ends with the next write.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer, count: count) }

    /// - Returns: `nil` where Foundation must do it.
    func text(of value: some Encodable) -> Data? {
        write(all: value) ? Data(bytes) : nil
    }

    /// Writes the text of `value`, and nothing else.
    /// - Returns: false where Foundation must do it.
    func write(all value: some Encodable) -> Bool {
        count = 0
        levels.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        isValueDue = true
        hasGivenUp = false
        do {
            try write(value)
        } catch {
            return false
        }
        close(to: 0)
        return !hasGivenUp && !isValueDue
    }

    func giveUp() {
        hasGivenUp = true
    }

    // MARK: Values

    var depth: Int { levels.count }

    /// A value of any type, where one is due.
    func write<T: Encodable>(_ value: T) throws {
        if try writeScalar(value) { return }
        serial &+= 1
        let depth = levels.count
        do {
            try value.encode(to: JSONValueEncoder(writer: self, depth: depth, serial: serial))
        } catch {
            // Whoever called may go on without this value; what is written of it stays.
            giveUp()
            throw error
        }
        if isValueDue { giveUp() }
        close(to: depth)
    }

    /// Notes that a scalar comes at `depth`.
    /// - Returns: false where none can come.
    func beginScalar() -> Bool {
        guard isValueDue else {
            giveUp()
            return false
        }
        isValueDue = false
        return true
    }

    /// Goes back to `depth`, where a value must be due.
    func beginValue(at depth: Int) -> Bool {
        guard levels.count == depth, isValueDue else {
            giveUp()
            return false
        }
        return true
    }

    // MARK: Bytes

    func put(_ byte: UInt8) {
        reserve(1)
        buffer[count] = byte
        count += 1
    }

    func put(_ text: StaticString) {
        append(text.utf8Start, text.utf8CodeUnitCount)
    }

    func append(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        (buffer + count).update(from: bytes, count: length)
        count += length
    }

    /// Lends room for `length` bytes; `fill` tells how many it used.
    func append(atMost length: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(length)
        count += fill(buffer + count)
    }

    private func reserve(_ length: Int) {
        if count + length > capacity { grow(to: count + length) }
    }

    private func grow(to needed: Int) {
        capacity = max(needed, 2 * capacity)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: buffer, count: count)
        buffer.deallocate()
        buffer = larger
    }
}

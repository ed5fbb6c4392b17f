#if LMDB
import AfterCommit
import Foundation

/// Bytes that grow at their end. Room is asked for once for many of them, and not filled before.
struct ByteBuffer: ~Copyable, @unchecked Sendable {
    // Unchecked: there is one owner, so only it writes; borrowers read.
    private var start: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        start = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        start.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Lends room for `length` bytes behind the others; `fill` tells how far it got.
    @inline(__always)
    mutating func append(atMost length: Int, _ fill: (inout BytePointer) -> Void) {
        if count + length > capacity { grow(by: length) }
        var position = BytePointer(start + count)
        fill(&position)
        count = position.address - start
        precondition(count <= capacity)
    }

    mutating func truncate(to count: Int) {
        self.count = min(count, self.count)
    }

    private mutating func grow(by length: Int) {
        let larger = max(count + length, 2 * capacity)
        let target = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        target.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = target
        capacity = larger
    }
}

/// Writes what ``ByteWriter`` writes, into memory that is large enough.
struct BytePointer {
    /// What an integer of variable length takes at most.
    static let maxIntegerBytes = 10

    private(set) var address: UnsafeMutableRawPointer

    init(_ address: UnsafeMutableRawPointer) {
        self.address = address
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        address.storeBytes(of: byte, as: UInt8.self)
        address += 1
    }

    /// Little-endian.
    @inline(__always)
    mutating func put(fixed word: UInt64) {
        address.storeBytes(of: word.littleEndian, as: UInt64.self)
        address += 8
    }

    /// Seven bits a byte, the lowest first.
    @inline(__always)
    mutating func put(_ integer: UInt64) {
        var rest = integer
        while rest > 0x7F {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    /// Zigzag, so that small negative numbers are short too.
    mutating func put(_ integer: Int) {
        let wide = Int64(integer)
        put(UInt64(bitPattern: (wide << 1) ^ (wide >> 63)))
    }

    @inline(__always)
    mutating func put(_ id: EventID) {
        put(fixed: id.high)
        put(fixed: id.low)
    }

    @inline(__always)
    mutating func put(_ date: Date) {
        put(fixed: date.timeIntervalSinceReferenceDate.bitPattern)
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        put(UInt64(bytes.count))
        copy(bytes)
    }

    mutating func put(_ string: String) {
        var string = string
        string.withUTF8 { bytes in
            put(UInt64(bytes.count))
            copy(UnsafeRawBufferPointer(bytes))
        }
    }

    @inline(__always)
    mutating func put(_ optional: String?) {
        put(optional == nil ? UInt8(0) : 1)
        if let optional { put(optional) }
    }

    @inline(__always)
    mutating func put(_ headers: [String: String]) {
        put(UInt64(headers.count))
        if headers.isEmpty { return }
        for (name, value) in headers {
            put(name)
            put(value)
        }
    }

    @inline(__always)
    mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        address.copyMemory(from: source, byteCount: bytes.count)
        address += bytes.count
    }
}
#endif

#if SQLite
/// Bytes that a statement reads in place: one after another in one block, which stays where it is until the next begin.
struct BoundBytes {
    private var block = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    /// Takes back what was appended before.
    mutating func begin(reserving capacity: Int) {
        count = 0
        guard block.count < capacity else { return }
        block.deallocate()
        block = .allocate(byteCount: max(512, capacity * 2), alignment: 8)
    }

    mutating func append(_ text: String) -> UnsafeRawBufferPointer {
        var text = text
        return text.withUTF8 { utf8 in
            append(capacity: utf8.count) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(utf8))
                return utf8.count
            }
        }
    }

    /// - Parameter write: writes bytes, and returns how many.
    mutating func append(
        capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> UnsafeRawBufferPointer {
        precondition(count + capacity <= block.count, "more bytes than were reserved")
        let target = UnsafeMutableRawBufferPointer(rebasing: block[count..<count + capacity])
        let written = write(target)
        count += written
        return UnsafeRawBufferPointer(rebasing: target[..<written])
    }

    func deallocate() {
        block.deallocate()
    }
}
#endif

import Foundation
import Synchronization
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// The mapped bytes of an in-flight file. All of the largest file is mapped; only what the disk has granted is touched.
final class InFlightMemory: @unchecked Sendable {
    // Unchecked: slots are only reached through atomic operations.
    private let base: UnsafeMutableRawPointer
    private let file: Int32

    /// Writes `bytes` in the place of what is at `path`, whole or not at all, and maps them.
    init(replacing path: String, with bytes: [UInt8]) throws(StorageError) {
        let temporary = path + ".new"
        unlink(temporary)
        let file = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StorageError(SystemError("open"), "\(temporary) cannot be made") }
        let error = Self.fill(file, bytes, temporary, path)
        let base = mmap(nil, InFlightImage.maxBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard error == nil, let base, base != MAP_FAILED else {
            let error = error ?? SystemError("mmap")
            if let base, base != MAP_FAILED { munmap(base, InFlightImage.maxBytes) }
            unlink(temporary)
            close(file)
            throw StorageError(error, "\(path) cannot be written")
        }
        self.file = file
        self.base = base
    }

    deinit {
        munmap(base, InFlightImage.maxBytes)
        close(file)
    }

    private static func fill(_ file: Int32, _ bytes: [UInt8], _ temporary: String, _ path: String) -> SystemError? {
        if let error = write(bytes, to: file, at: 0) { return error }
        return rename(temporary, path) == 0 ? nil : SystemError("rename")
    }

    /// Written, not left as a hole: a page that the disk cannot grant later would end the process.
    private static func write(_ bytes: [UInt8], to file: Int32, at start: Int) -> SystemError? {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                return pwrite(file, rest.baseAddress, rest.count, off_t(start + offset))
            }
            if count < 0, errno != EINTR { return SystemError("pwrite") }
            offset += max(0, count)
        }
        return nil
    }

    /// The bytes of the file at `path`, read without mapping it; `nil` where there is none.
    static func contents(of path: String) throws(StorageError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw StorageError(SystemError("open"), "\(path) cannot be opened")
        }
        defer { close(file) }
        // One byte more than it may have, so that a larger one is noticed.
        var bytes = [UInt8](repeating: 0, count: InFlightImage.maxBytes + 1)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeMutableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
                return read(file, rest.baseAddress, rest.count)
            }
            if count == 0 { break }
            if count < 0, errno != EINTR { throw StorageError(SystemError("read"), "\(path) cannot be read") }
            offset += max(0, count)
        }
        return Array(bytes.prefix(offset))
    }

    /// - Returns: false where the disk does not grant it.
    func grow(fromSlots first: Int, to count: Int) -> Bool {
        let zeros = [UInt8](repeating: 0, count: (count - first) * InFlightSlot.bytes)
        return Self.write(zeros, to: file, at: InFlightImage.headerBytes + first * InFlightSlot.bytes) == nil
    }

    // MARK: Slots

    func put(_ note: InFlightSlot, in slot: Int) {
        let (sequence, state) = words(slot)
        state.pointee.store(0, ordering: .releasing)
        sequence.pointee.store(note.sequence.littleEndian, ordering: .releasing)
        state.pointee.store(note.state.littleEndian, ordering: .releasing)
    }

    func clear(_ slot: Int) {
        words(slot).state.pointee.store(0, ordering: .releasing)
    }

    func slot(_ slot: Int) -> InFlightSlot? {
        let (sequence, state) = words(slot)
        return InFlightSlot(
            sequence: UInt64(littleEndian: sequence.pointee.load(ordering: .acquiring)),
            state: UInt64(littleEndian: state.pointee.load(ordering: .acquiring)))
    }

    private func words(
        _ slot: Int
    ) -> (sequence: UnsafeMutablePointer<Atomic<UInt64>>, state: UnsafeMutablePointer<Atomic<UInt64>>) {
        let place = base + InFlightImage.headerBytes + slot * InFlightSlot.bytes
        let sequence = place.assumingMemoryBound(to: Atomic<UInt64>.self)
        return (sequence, sequence + 1)
    }
}

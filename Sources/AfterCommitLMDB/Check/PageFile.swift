#if LMDB
import AfterCommit
import Foundation

/// The pages of a data file, read without mapping them.
final class PageFile {
    static let headerBytes = 16

    let pageBytes: Int
    let lastPage: UInt64
    /// Where LMDB keeps the trees of free pages and of all else.
    let free: PageTree
    let main: PageTree
    private let file: Int32

    /// The file has passed ``DataFile/check(_:)``.
    init(_ path: String) throws(StorageError) {
        file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            throw StorageError(.unsuitablePath, "\(path) cannot be opened", cause: SystemError("open"))
        }
        let meta: [UInt8]
        do throws(StorageError) {
            let first = try Self.read(file, at: 0, count: 512)
            let pageBytes = Int(first.load(UInt32.self, at: Self.headerBytes + 24))
            guard (512...65_536).contains(pageBytes) else {
                throw StorageError(.corrupted, "\(path) has no possible page size")
            }
            let second = try Self.read(file, at: pageBytes, count: 512)
            let offset = Self.headerBytes + 128
            meta = second.load(UInt64.self, at: offset) > first.load(UInt64.self, at: offset) ? second : first
            self.pageBytes = pageBytes
        } catch {
            close(file)
            throw error
        }
        free = PageTree(meta, at: Self.headerBytes + 24)
        main = PageTree(meta, at: Self.headerBytes + 72)
        lastPage = meta.load(UInt64.self, at: Self.headerBytes + 120)
    }

    deinit {
        close(file)
    }

    func page(_ number: UInt64, count: Int = 1) throws(StorageError) -> [UInt8] {
        try Self.read(file, at: Int(number) * pageBytes, count: count * pageBytes)
    }

    private static func read(_ file: Int32, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, off_t(offset)) }
        guard read == count else {
            throw StorageError(
                .corrupted, "the data file cannot be read at byte \(offset)",
                cause: read < 0 ? SystemError("pread") : nil)
        }
        return bytes
    }
}

/// `struct MDB_db` of LMDB 0.9: the root of a tree and what is said of it.
struct PageTree {
    static let bytes = 48
    private static let none = UInt64.max

    let depth: Int
    let entries: UInt64
    /// `nil` for an empty tree.
    let root: UInt64?

    init(_ bytes: [UInt8], at offset: Int) {
        depth = Int(bytes.load(UInt16.self, at: offset + 6))
        entries = bytes.load(UInt64.self, at: offset + 32)
        let root = bytes.load(UInt64.self, at: offset + 40)
        self.root = root == Self.none ? nil : root
    }
}

extension [UInt8] {
    /// In the machine's order, as LMDB writes it.
    func load<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
    }
}
#endif

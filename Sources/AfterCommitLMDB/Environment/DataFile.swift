#if LMDB
import AfterCommit
import Foundation

/// LMDB's data file, looked at without mapping it: a mapped file that is too short ends the process.
enum DataFile {
    static let name = "data.mdb"
    private static let magic: UInt32 = 0xBEEF_C0DE
    /// A page's header; the meta data follows it.
    private static let pageHeaderBytes = 16
    private static let metaBytes = 136

    private struct Meta {
        let pageBytes: Int
        let lastPage: Int
        let transactionID: UInt64
    }

    /// Refuses a file that is not a store, or that is shorter than what it says it holds.
    static func check(_ path: String) throws(StorageError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            throw StorageError(.unsuitablePath, "\(path) cannot be opened", cause: SystemError("open"))
        }
        defer { close(file) }
        let size: Int
        do throws(SystemError) {
            size = try FileStatus(descriptor: file).bytes
        } catch {
            throw StorageError(error, "\(path) cannot be examined")
        }
        guard let first = try meta(at: 0, in: file, path) else {
            throw StorageError(.unsuitablePath, "\(path) is not a store")
        }
        // The two meta pages take turns; the newer transaction's counts.
        let second = try meta(at: first.pageBytes, in: file, path)
        let newest = second.map { $0.transactionID > first.transactionID ? $0 : first } ?? first
        let (needed, overflows) = (newest.lastPage + 1).multipliedReportingOverflow(by: newest.pageBytes)
        guard !overflows, size >= needed, second != nil else {
            throw StorageError(
                .corrupted,
                "\(path) is truncated: it has \(size) bytes and needs \(needed); restore it from a backup")
        }
    }

    private static func meta(
        at offset: Int, in file: Int32, _ path: String
    ) throws(StorageError) -> Meta? {
        var bytes = [UInt8](repeating: 0, count: pageHeaderBytes + metaBytes)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, off_t(offset)) }
        guard count >= 0 else { throw StorageError(SystemError("pread"), "\(path) cannot be read") }
        guard count == bytes.count else { return nil }
        return bytes.withUnsafeBytes { bytes in
            // struct MDB_meta of lmdb 0.9: magic, version, address, map size, two MDB_db, last page, transaction.
            let meta = UnsafeRawBufferPointer(rebasing: bytes[pageHeaderBytes...])
            let pageBytes = meta.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
            let lastPage = meta.loadUnaligned(fromByteOffset: 120, as: UInt64.self)
            guard meta.loadUnaligned(as: UInt32.self) == magic, (512...65_536).contains(pageBytes),
                lastPage < UInt64(Int.max)
            else { return nil }
            return Meta(
                pageBytes: Int(pageBytes), lastPage: Int(lastPage),
                transactionID: meta.loadUnaligned(fromByteOffset: 128, as: UInt64.self))
        }
    }
}
#endif

#if LMDB
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of `struct stat` depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// What the system says of a file.
struct FileStatus {
    enum Kind {
        case folder
        case file
        case other
    }

    let kind: Kind
    let bytes: Int
    let device: UInt64
    let inode: UInt64
    let owner: UInt32
    /// The permission bits.
    let mode: UInt32

    /// Links are not followed.
    init(path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("lstat") }
        self.init(status)
    }

    init(descriptor: Int32) throws(SystemError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError("fstat") }
        self.init(status)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .folder
            case S_IFREG: .file
            default: .other
            }
        bytes = Int(status.st_size)
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        owner = status.st_uid
        mode = UInt32(status.st_mode & 0o7777)
    }
}
#endif

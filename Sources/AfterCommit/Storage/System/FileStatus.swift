import Foundation

#if canImport(Glibc)
// Which of the two is taken for the home of `struct stat` depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// What the system says of a file.
package struct FileStatus {
    package enum Kind {
        case folder
        case file
        case other
    }

    package let kind: Kind
    package let bytes: Int
    package let device: UInt64
    package let inode: UInt64
    package let owner: UInt32
    /// The permission bits.
    package let mode: UInt32

    /// Links are not followed.
    package init(path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("lstat") }
        self.init(status)
    }

    package init(descriptor: Int32) throws(SystemError) {
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

package import Foundation

extension UUID {
    /// Names a file by its place in the file system: another file at the same path has another one.
    package init(ofFileAt path: String) throws(SystemError) {
        let status = try FileStatus(path: path)
        self.init(high: status.device, low: status.inode)
    }

    init(high: UInt64, low: UInt64) {
        self = withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            UUID(uuid: $0.loadUnaligned(as: uuid_t.self))
        }
    }

    var high: UInt64 { withUnsafeBytes(of: uuid) { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) } }

    var low: UInt64 {
        withUnsafeBytes(of: uuid) { UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }
}

#if LMDB
import AfterCommit
import CLMDB
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Keeps the data file longer than its last page: with a hole, or while the disk is nearly full with room that it has granted.
///
/// LMDB does not write pages that were allocated and freed in one transaction, so a whole file may end before its last page
/// and look truncated: with a hole behind it, a file that is too short always is truncated. On a disk that others fill, what
/// was granted before stays, and settling goes on there. Granted room is slower to write to, hence not always.
struct FileExtender {
    private static let step = 16 << 20
    private static let pageBytes = 4_096
    /// A disk with less is nearly full.
    private static let lowBytes = 64 << 20
    /// Less is not worth a call.
    private static let minGrant = 64 << 10
    private let descriptor: Int32
    /// The end of the file, hole included, as far as it is known.
    private var fileBytes = 0
    /// The end of what the disk has granted.
    private var grantedBytes = 0
    /// Whether the file system grants room ahead. Some cannot.
    private var mayGrant = true

    /// How much of the file has a place on a disk that is nearly full; `nil` on any other.
    private(set) var reservedBytes: Int?

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Call it inside a write transaction that writes about `bytes` behind `highWaterBytes`: no other process is in one then.
    mutating func extend(past highWaterBytes: Int, further bytes: Int) {
        let wanted = highWaterBytes + 2 * bytes + Self.step / 2
        #if os(Linux)
        let free = freeBytes()
        if mayGrant, let free, free < Self.lowBytes + 2 * bytes {
            if grantedBytes < wanted {
                grant(from: max(grantedBytes, highWaterBytes), to: wanted + Self.step / 2, free: free)
            }
            reservedBytes = mayGrant ? grantedBytes : nil
            return
        }
        #endif
        reservedBytes = nil
        if fileBytes < wanted { extendWithHole(to: wanted + Self.step / 2) }
    }

    #if os(Linux)
    private func freeBytes() -> Int? {
        var status = statvfs()
        guard fstatvfs(descriptor, &status) == 0 else { return nil }
        let (free, overflows) = Int(clamping: status.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflows ? nil : free
    }

    /// As much as there is, up to `target`, less what a disk that is nearly full should keep for others.
    private mutating func grant(from start: Int, to target: Int, free: Int) {
        let end = min(target, start + free / 4 * 3) / Self.pageBytes * Self.pageBytes
        // What is there already counts; the next group asks again.
        grantedBytes = max(grantedBytes, start)
        guard end - start >= Self.minGrant else { return }
        if fallocate(descriptor, 0, off_t(start), off_t(end - start)) == 0 {
            grantedBytes = end
            fileBytes = max(fileBytes, end)
        } else if errno == EOPNOTSUPP || errno == ENOSYS {
            mayGrant = false
        }
    }
    #endif

    private mutating func extendWithHole(to target: Int) {
        // Another process may have made it longer; the write transaction that is open keeps it away meanwhile.
        guard let size = try? FileStatus(descriptor: descriptor).bytes else { return }
        fileBytes = size
        // It only guards against a false alarm, so a system that refuses it must not stop the commit.
        if target > size, ftruncate(descriptor, off_t(target)) == 0 { fileBytes = target }
    }
}
#endif

#if LMDB
import CLMDB
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Keeps the data file longer than its last page, with room that the disk has granted.
///
/// LMDB does not write pages that were allocated and freed in one transaction, so a whole file may end before its last page
/// and look truncated: with room behind it, a file that is too short always is truncated. And a disk that others fill leaves
/// what was granted before: settling goes on there.
struct FileExtender {
    private static let step = 16 << 20
    private static let pageBytes = 4_096
    /// Less is not worth a call.
    private static let minGrant = 64 << 10
    private let descriptor: Int32
    /// The end of what was asked for.
    private var extendedBytes = 0
    /// Whether the file system grants room ahead. Some cannot; the file then ends in a hole.
    private var isGranting = true

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// The end of what the disk has granted; `nil` where that is not known.
    var reservedBytes: Int? { isGranting && extendedBytes > 0 ? extendedBytes : nil }

    /// Call it inside a write transaction that writes about `bytes` behind `highWaterBytes`: no other process is in one then.
    mutating func extend(past highWaterBytes: Int, further bytes: Int) {
        let wanted = highWaterBytes + 2 * bytes + Self.step / 2
        guard wanted > extendedBytes else { return }
        #if os(Linux)
        if isGranting { return grant(from: max(extendedBytes, highWaterBytes), to: wanted + Self.step / 2) }
        #endif
        extendWithHole(to: wanted + Self.step / 2)
    }

    #if os(Linux)
    /// As much as there is, up to `target`, less what a disk that is nearly full should keep for others.
    private mutating func grant(from start: Int, to target: Int) {
        var status = statvfs()
        guard fstatvfs(descriptor, &status) == 0 else { return }
        let (free, overflows) = Int(clamping: status.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        let reachable = overflows ? target : min(target, start + free / 4 * 3)
        let end = reachable / Self.pageBytes * Self.pageBytes
        guard end - start >= Self.minGrant else {
            // What is there already counts; the next group asks again.
            extendedBytes = max(extendedBytes, start)
            return
        }
        if fallocate(descriptor, 0, off_t(start), off_t(end - start)) == 0 {
            extendedBytes = end
        } else if errno == EOPNOTSUPP || errno == ENOSYS {
            isGranting = false
            extendWithHole(to: target)
        }
    }
    #endif

    private mutating func extendWithHole(to target: Int) {
        guard let size = try? FileStatus(descriptor: descriptor).bytes else { return }
        extendedBytes = max(extendedBytes, size)
        // It only guards against a false alarm, so a system that refuses it must not stop the commit.
        if target > size, ftruncate(descriptor, off_t(target)) == 0 { extendedBytes = target }
    }
}
#endif

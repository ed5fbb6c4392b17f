#if LMDB
import Foundation

/// Keeps the data file longer than its last page, with a hole.
///
/// LMDB does not write pages that were allocated and freed in one transaction, so a whole file may end before its last page
/// and look truncated. With the hole in front, a file that is too short always is truncated.
struct FileExtender {
    private static let step = 16 << 20
    private let descriptor: Int32
    private var fileBytes: Int

    init(descriptor: Int32) {
        self.descriptor = descriptor
        fileBytes = (try? FileStatus(descriptor: descriptor).bytes) ?? 0
    }

    /// Call it inside a write transaction that writes about `bytes` behind `highWaterBytes`.
    mutating func extend(to highWaterBytes: Int, further bytes: Int) {
        let needed = highWaterBytes + 2 * bytes + Self.step / 2
        guard needed > fileBytes else { return }
        // Another process may have made it longer; the write transaction that is open keeps it away meanwhile.
        guard let size = try? FileStatus(descriptor: descriptor).bytes else { return }
        fileBytes = size
        guard needed > fileBytes else { return }
        let target = needed + Self.step / 2
        // It only guards against a false alarm, so a system that refuses it must not stop the commit.
        if ftruncate(descriptor, off_t(target)) == 0 { fileBytes = target }
    }
}
#endif

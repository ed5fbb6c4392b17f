#if LMDB
import Foundation
import TestSupport

/// A small file system of its own, in a file: the way to a disk that is really full.
struct LoopDisk {
    let folder: String
    private let image: String

    /// Mounting takes a superuser and a system that lets it.
    static let isPossible: Bool = {
        guard let disk = try? LoopDisk(megabytes: 4) else { return false }
        disk.remove()
        return true
    }()

    init(megabytes: Int) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("disk-\(UUID())").path
        image = folder + ".image"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        do {
            try run("/usr/bin/truncate", "-s", "\(megabytes)M", image)
            try run("/usr/sbin/mkfs.ext4", "-q", image)
            try run("/usr/bin/mount", "-o", "loop", image, folder)
        } catch {
            removeFiles()
            throw error
        }
    }

    func remove() {
        // Lazily: a test that failed may have files open.
        try? run("/usr/bin/umount", "-l", folder)
        removeFiles()
    }

    private func removeFiles() {
        try? FileManager.default.removeItem(atPath: image)
        try? FileManager.default.removeItem(atPath: folder)
    }
}

struct CommandFailed: Error {
    let command: String
    let status: Int32
}

/// Runs a program of the system, quietly. It blocks the thread for that long.
func run(_ program: String, _ arguments: String...) throws {
    let status = try ChildProcess([program] + arguments, output: .discarded).waitUntilEnded()
    guard status == 0 else { throw CommandFailed(command: "\(program) \(arguments)", status: status) }
}
#endif

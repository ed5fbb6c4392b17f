#if LMDB
import AfterCommit
import Foundation

/// The folder of a store: made whole or not at all, and refused where others could have tampered with it.
enum StoreFolder {
    /// Makes the store where there is none, and checks the one that is there.
    /// - Parameter initialize: fills a new folder with an empty store.
    static func prepare(
        _ path: String, initialize: (String) throws(StorageError) -> Void
    ) throws(StorageError) {
        if try mustCreate(path) { try make(path, initialize: initialize) }
        try check(path)
    }

    /// Checks the store that is there.
    static func check(_ path: String) throws(StorageError) {
        try checkSafe(path, mustBe: .folder)
        try checkSafe(path + "/" + DataFile.name, mustBe: .file)
        try DataFile.check(path + "/" + DataFile.name)
    }

    /// Makes a store where there must be none.
    static func create(
        _ path: String, initialize: (String) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard try mustCreate(path), try make(path, initialize: initialize) else {
            throw StorageError(
                .unsuitablePath, "\(path) is there already; use a folder that does not exist yet")
        }
    }

    /// The folder is filled beside its place and then moved there, so that a crash leaves no half of a store.
    /// - Returns: false where another process has put something there meanwhile.
    @discardableResult
    private static func make(
        _ path: String, initialize: (String) throws(StorageError) -> Void
    ) throws(StorageError) -> Bool {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let parent = url.deletingLastPathComponent().path
        let temporary = "\(parent)/.\(url.lastPathComponent).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard mkdir(temporary, 0o700) == 0 else {
            throw StorageError(
                .unsuitablePath, "no folder can be made in \(parent); it must exist and be writable",
                cause: SystemError("mkdir"))
        }
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        try initialize(temporary)
        try synchronize(temporary)
        guard rename(temporary, path) == 0 else {
            // Another process was faster: its store is checked and opened like any other.
            if errno == ENOTEMPTY || errno == EEXIST { return false }
            throw StorageError(
                .unsuitablePath, "the new store cannot be moved to \(path); use a folder that does not exist yet",
                cause: SystemError("rename"))
        }
        try synchronize(parent)
        return true
    }

    /// Whether there is nothing, or an empty folder.
    private static func mustCreate(_ path: String) throws(StorageError) -> Bool {
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus(path: path)
        } catch {
            if error.code == ENOENT { return true }
            throw StorageError(.unsuitablePath, "\(path) cannot be examined", cause: error)
        }
        guard status.kind == .folder else { return false }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).isEmpty
        } catch {
            // Another user's, most likely: then that is what is told.
            try checkSafe(path, mustBe: .folder)
            throw StorageError(.unsuitablePath, "\(path) cannot be listed", cause: error)
        }
    }

    private static func checkSafe(_ path: String, mustBe kind: FileStatus.Kind) throws(StorageError) {
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus(path: path)
        } catch {
            throw StorageError(.unsuitablePath, "\(path) is not there: this is not a store", cause: error)
        }
        let mode = "0" + String(status.mode, radix: 8)
        guard status.kind == kind else {
            throw StorageError(
                .unsuitablePath, "\(path) is not a \(kind) (mode \(mode)); links are not followed")
        }
        guard status.owner == geteuid() else {
            throw StorageError(
                .unsuitablePath,
                "\(path) belongs to user \(status.owner), this process runs as \(geteuid()) (mode \(mode))")
        }
        guard status.mode & 0o022 == 0 else {
            throw StorageError(
                .unsuitablePath, "\(path) has mode \(mode): others can write to it; remove that right")
        }
        guard access(path, R_OK | W_OK) == 0 else {
            throw StorageError(
                .unsuitablePath,
                "\(path) has mode \(mode) and is not both readable and writable for this process; who only emits or reads writes there too",
                cause: SystemError("access"))
        }
    }

    private static func synchronize(_ folder: String) throws(StorageError) {
        try synchronize(folder, O_RDONLY | O_DIRECTORY)
    }

    static func synchronize(file: String) throws(StorageError) {
        try synchronize(file, O_RDWR)
    }

    private static func synchronize(_ path: String, _ flags: Int32) throws(StorageError) {
        let file = open(path, flags | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw StorageError(SystemError("open"), "\(path) cannot be opened") }
        defer { close(file) }
        guard fsync(file) == 0 else { throw StorageError(SystemError("fsync"), "\(path) cannot be flushed") }
    }
}
#endif

#if LMDB
import AfterCommit
import Foundation
import Synchronization
#if canImport(Glibc)
// Which of the two is taken for the home of the POSIX types depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Stands before LMDB's writer mutex, on which a process waits for ever while its holder is stopped.
///
/// Records of a file of ours are locked. The system gives them up with the process and tells who holds them, so that no
/// id has to be written. It knows no wait that ends after a time without a signal, and signals belong to the
/// program: a waiter asks again, at most a millisecond later. Whoever waits holds the first byte, so that a process which
/// commits one transaction after another cannot overtake it.
///
/// These locks are the process's: closing any descriptor of the file gives them up. Nothing else of ours opens it, and
/// LMDB's own mutex still keeps writers apart if someone else does.
final class WriterLock: Sendable {
    static let name = "writer.lock"
    private static let maxSleep = Duration.milliseconds(1)

    private enum Part: off_t {
        /// Held by the one who is next.
        case next = 0
        /// Held by the one who writes.
        case writer = 1
        /// Shared by all processes that have the store open.
        case users = 2
    }

    private let descriptor: Atomic<Int32>
    private var file: Int32 { descriptor.load(ordering: .relaxed) }

    init(folder: String) throws(StorageError) {
        let path = folder + "/" + Self.name
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StorageError(SystemError("open"), "\(path) cannot be opened") }
        descriptor = Atomic(file)
    }

    deinit {
        end()
    }

    /// Gives everything up for good.
    func end() {
        let file = descriptor.exchange(-1, ordering: .relaxed)
        if file >= 0 { close(file) }
    }

    // MARK: Writing

    /// Takes the right to begin a write transaction. On the writer's thread only.
    /// - Throws: `storeBusy` with the holder's process id after `timeout`.
    func acquire(timeout: Duration, time: TimeSource) throws(StorageError) {
        // The usual case: nobody waits and nobody writes.
        if try take(.next, count: 2) { return try giveUp(.next) }
        try wait(for: .next, timeout: timeout, time: time)
        do throws(StorageError) {
            try wait(for: .writer, timeout: timeout, time: time)
        } catch {
            try giveUp(.next)
            throw error
        }
        try giveUp(.next)
    }

    func release() throws(StorageError) {
        try giveUp(.writer)
    }

    /// Waits until no other process writes, without becoming the writer.
    func waitUntilFree(timeout: Duration, time: TimeSource) throws(StorageError) {
        try wait(timeout: timeout, time: time) { () throws(StorageError) in try holder(.writer) == nil }
    }

    // MARK: Using

    /// Notes that this process has the store open.
    /// - Returns: false while another changes its format.
    func use() throws(StorageError) -> Bool { try take(.users, kind: F_RDLCK) }

    /// Takes the store for this process alone, until ``use()`` is called again.
    /// - Returns: false while another process has it open.
    func useAlone() throws(StorageError) -> Bool { try take(.users) }

    /// Another process that has the store open, if there is one.
    func otherUser() throws(StorageError) -> Int32? { try holder(.users) }

    // MARK: Parts

    private func wait(for part: Part, timeout: Duration, time: TimeSource) throws(StorageError) {
        try wait(timeout: timeout, time: time) { () throws(StorageError) in try take(part) }
    }

    private func wait(
        timeout: Duration, time: TimeSource, until isDone: () throws(StorageError) -> Bool
    ) throws(StorageError) {
        let begin = time.now()
        var pause = Duration.microseconds(50)
        // What was slept counts too: a clock that only a test moves must not make this endless.
        var slept = Duration.zero
        while !(try isDone()) {
            guard time.now() - begin < timeout, slept < timeout else {
                var holder = try holder(.writer)
                if holder == nil { holder = try self.holder(.next) }
                throw StorageError.writerBusy(processID: holder ?? 0, after: timeout)
            }
            Self.sleep(pause)
            slept += pause
            pause = min(Self.maxSleep, pause * 2)
        }
    }

    private static func sleep(_ duration: Duration) {
        var interval = timespec()
        interval.tv_nsec = Int(duration.components.attoseconds / 1_000_000_000)
        // An interrupted sleep only asks a little earlier.
        nanosleep(&interval, nil)
    }

    private func take(_ part: Part, count: off_t = 1, kind: Int32 = F_WRLCK) throws(StorageError) -> Bool {
        var record = Self.record(part, count: count, kind: kind)
        if fcntl(file, F_SETLK, &record) == 0 { return true }
        let error = SystemError("fcntl")
        guard error.code == EAGAIN || error.code == EACCES else {
            throw StorageError(error, "the writer's lock cannot be taken")
        }
        return false
    }

    private func giveUp(_ part: Part) throws(StorageError) {
        var record = Self.record(part, count: 1, kind: F_UNLCK)
        guard fcntl(file, F_SETLK, &record) == 0 else {
            throw StorageError(SystemError("fcntl"), "the writer's lock cannot be given up")
        }
    }

    /// The other process that holds a part, as this one numbers it: 0 where it cannot be seen from here.
    private func holder(_ part: Part) throws(StorageError) -> Int32? {
        var record = Self.record(part, count: 1, kind: F_WRLCK)
        guard fcntl(file, F_GETLK, &record) == 0 else {
            throw StorageError(SystemError("fcntl"), "the writer's lock cannot be examined")
        }
        return Int32(record.l_type) == F_UNLCK ? nil : record.l_pid
    }

    private static func record(_ part: Part, count: off_t, kind: Int32) -> flock {
        var record = flock()
        record.l_type = Int16(kind)
        record.l_whence = Int16(SEEK_SET)
        record.l_start = part.rawValue
        record.l_len = count
        return record
    }
}

extension StorageError {
    /// Another process is inside a write transaction and does not end it.
    static func writerBusy(processID: Int32, after timeout: Duration) -> Self {
        Self(
            .storeBusy,
            "process \(processID) has been inside a write transaction for more than \(timeout); if it is stopped let it go on or end it, then try again: nothing was written",
            processID: processID)
    }
}
#endif

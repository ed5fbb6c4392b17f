import AfterCommit
package import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A program that runs beside the tests.
///
/// Foundation's `Process` copies the entries of a folder past the end of their buffer when it starts a program, and the tests
/// died of it now and then (swift-corelibs-foundation, pull request 5472).
package final class ChildProcess: Sendable {
    /// What becomes of its output.
    package enum Output {
        case piped
        /// Its errors too.
        case discarded
    }

    package let id: pid_t
    /// Where it reads; it sees the end when this is closed.
    package let input: FileHandle
    package let output: FileHandle
    /// Its exit status, or the signal that ended it.
    private let status = Locked<Int32?>(nil)
    private let hasEnded = DispatchSemaphore(value: 0)
    private let ending: AsyncStream<Void>

    /// - Parameters:
    ///   - command: the program's path, and its arguments.
    ///   - environment: what its environment has beside this process's own.
    package init(_ command: [String], environment: [String: String] = [:], output: Output = .piped) throws {
        let (inputEnd, input) = try Self.makePipe()
        let (told, outputEnd) = try Self.makePipe()
        self.input = input
        self.output = told
        id = try Self.spawn(
            command, ProcessInfo.processInfo.environment.merging(environment) { $1 }, input: inputEnd.fileDescriptor,
            output: output == .piped ? outputEnd.fileDescriptor : nil)
        try inputEnd.close()
        try outputEnd.close()
        let (ending, feed) = AsyncStream<Void>.makeStream()
        self.ending = ending
        Thread { [self] in
            reap()
            hasEnded.signal()
            feed.finish()
        }.start()
    }

    /// Does nothing to one that has ended.
    package func signal(_ signal: Int32) {
        status.withLock { status in
            if status == nil { kill(id, signal) }
        }
    }

    /// Waits until it has ended.
    /// - Returns: its exit status, or the signal that ended it.
    package func end() async -> Int32 {
        for await _ in ending {}
        return status.withLock { $0 } ?? -1
    }

    /// The same, and blocks the thread meanwhile.
    package func waitUntilEnded() -> Int32 {
        hasEnded.wait()
        hasEnded.signal()
        return status.withLock { $0 } ?? -1
    }

    /// Its id may be another's as soon as it is reaped, so that this happens where nobody signals it.
    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        status.withLock { status in
            var ended: Int32 = 0
            guard waitpid(id, &ended, 0) == id else {
                status = -1
                return
            }
            let signal = ended & 0x7F
            status = signal == 0 ? (ended >> 8) & 0xFF : signal
        }
    }

    // MARK: Parts

    private static func makePipe() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [-1, -1]
        try check(pipe(&ends) == 0 ? 0 : errno)
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }

    private static func spawn(
        _ command: [String], _ environment: [String: String], input: Int32, output: Int32?
    ) throws -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        try check(posix_spawn_file_actions_init(&actions))
        defer { posix_spawn_file_actions_destroy(&actions) }
        try check(posix_spawn_file_actions_adddup2(&actions, input, 0))
        if let output {
            try check(posix_spawn_file_actions_adddup2(&actions, output, 1))
        } else {
            for file: Int32 in [1, 2] {
                try check(posix_spawn_file_actions_addopen(&actions, file, "/dev/null", O_WRONLY, 0))
            }
        }
        // The threads that tests run on block signals, which a child would inherit.
        try check(posix_spawnattr_init(&attributes))
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        try check(posix_spawnattr_setsigmask(&attributes, &none))
        // It inherits no other descriptor: neither a socket whose port a test takes for closed, nor another child's pipe.
        var flags = POSIX_SPAWN_SETSIGMASK
        #if canImport(Darwin)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
        // The C library shows it only to those who ask for GNU's extensions.
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { throw POSIXError(.ENOSYS) }
        try check(unsafeBitCast(symbol, to: AddCloseFrom.self)(&actions, 3))
        #endif
        try check(posix_spawnattr_setflags(&attributes, Int16(flags)))
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var id: pid_t = 0
        try check(posix_spawn(&id, command[0], &actions, &attributes, &arguments, &variables))
        return id
    }

    #if !canImport(Darwin)
    private typealias AddCloseFrom =
        @convention(c) (
            UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32
        ) -> Int32
    #endif

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
    }
}

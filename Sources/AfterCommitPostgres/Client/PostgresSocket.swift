#if Postgres
import AfterCommit
import CLibPQ
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Interrupts whoever waits for a server, from any thread: a pipe whose reading end becomes readable for good.
final class Interrupt: Sendable {
    private let ends: Locked<(reading: Int32, writing: Int32)>
    let descriptor: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw StorageError(SystemError("pipe"), "no pipe could be made") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        descriptor = ends[0]
        self.ends = Locked((ends[0], ends[1]))
    }

    deinit {
        ends.withLock { ends in
            close(ends.reading)
            close(ends.writing)
        }
    }

    func raise() {
        ends.withLock { ends in
            var byte: UInt8 = 1
            // A full pipe is readable already.
            _ = write(ends.writing, &byte, 1)
        }
    }

    /// Takes what was raised back.
    func consume() {
        ends.withLock { ends in
            var bytes = [UInt8](repeating: 0, count: 64)
            while read(ends.reading, &bytes, bytes.count) > 0 {}
        }
    }
}

/// libpq's connection, waited for with `poll`, so that neither a silent server nor a close blocks a thread for ever.
final class PostgresSocket {
    typealias Deadline = Duration

    let connection: OpaquePointer
    private let interrupt: Interrupt
    private let time: TimeSource

    init(_ connection: OpaquePointer, interrupt: Interrupt, time: TimeSource) {
        self.connection = connection
        self.interrupt = interrupt
        self.time = time
    }

    func deadline(after patience: Duration?) -> Deadline? { patience.map { time.now() + $0 } }

    /// libpq's own words for what went wrong.
    func failure() -> PostgresError {
        let message = String(cString: PQerrorMessage(connection)).trimmingCharacters(in: .whitespacesAndNewlines)
        return .connectionLost(message.isEmpty ? "the connection failed" : message)
    }

    /// Sends what is queued, and reads meanwhile: a server whose answers nobody takes stops reading.
    func flush(before deadline: Deadline?) throws {
        while true {
            switch PQflush(connection) {
            case 0: return
            case 1:
                let events = try wait(for: Int16(POLLIN | POLLOUT), before: deadline)
                if events & Int16(POLLIN) != 0, PQconsumeInput(connection) != 1 { throw failure() }
            default: throw failure()
            }
        }
    }

    /// The next result, or the `nil` between the results of two commands.
    func result(before deadline: Deadline?) throws -> OpaquePointer? {
        while PQisBusy(connection) == 1 {
            _ = try wait(for: Int16(POLLIN), before: deadline)
            // A server that hangs up says why before: the last result has it.
            guard PQconsumeInput(connection) == 1 else {
                guard let last = PQgetResult(connection) else { throw failure() }
                return last
            }
        }
        return PQgetResult(connection)
    }

    /// Whether something came unasked: the server has hung up, or is about to.
    var isStale: Bool {
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    /// - Returns: what is possible now.
    @discardableResult
    func wait(for events: Int16, before deadline: Deadline?) throws -> Int16 {
        let socket = PQsocket(connection)
        guard socket >= 0 else { throw failure() }
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = deadline - time.now()
                guard left > .zero else { throw PostgresError.connectionLost("the server did not answer in time") }
                milliseconds = Int32(clamping: left.milliseconds)
            }
            var descriptors = [
                pollfd(fd: socket, events: events, revents: 0),
                pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&descriptors, 2, milliseconds)
            if count < 0, errno != EINTR { throw StorageError(SystemError("poll"), "the server cannot be waited for") }
            guard count > 0 else { continue }
            if descriptors[1].revents != 0 { throw PostgresError.connectionLost("the connection is being closed") }
            // An error shows at the next call of libpq.
            if descriptors[0].revents != 0 { return descriptors[0].revents | events & Int16(POLLIN) }
        }
    }
}
#endif

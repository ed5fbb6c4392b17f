#if Postgres
import AfterCommit
import CLibPQ
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

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
        let message = PostgresError.oneLine(String(cString: PQerrorMessage(connection)))
        return .connectionLost(message.isEmpty ? "the connection failed" : message)
    }

    /// - Throws: ``PostgresError`` where the connection is being closed, so that nothing is begun any more.
    func checkInterrupt() throws(PostgresError) {
        if interrupt.isRaised { throw .closing }
    }

    /// Lets the server end the statement that is under way, if one is, because nobody waits for it any more.
    func cancelStatement() {
        guard PQstatus(connection) == CONNECTION_OK, PQtransactionStatus(connection) == PQTRANS_ACTIVE else { return }
        StatementCancellation(connection)?.request()
    }

    /// Sends what is queued, and reads meanwhile: a server whose answers nobody takes stops reading.
    func flush(before deadline: Deadline?) throws {
        while true {
            switch PQflush(connection) {
            case 0: return
            case 1:
                let events = try wait(for: Int16(POLLIN | POLLOUT), before: deadline)
                if events & Int16(POLLIN) != 0, !takeInput() { throw failure() }
            default: throw failure()
            }
        }
    }

    /// The next result, or the `nil` between the results of two commands.
    func result(before deadline: Deadline?) throws -> OpaquePointer? {
        while PQisBusy(connection) == 1 {
            _ = try wait(for: Int16(POLLIN), before: deadline)
            // A server that hangs up says why before: the last result has it.
            guard takeInput() else {
                guard let last = PQgetResult(connection) else { throw failure() }
                return last
            }
        }
        return PQgetResult(connection)
    }

    /// Takes what the socket has.
    /// - Returns: false where the connection is lost.
    func takeInput() -> Bool {
        guard PQconsumeInput(connection) == 1 else { return false }
        guard PQsslInUse(connection) == 1 else { return true }
        // OpenSSL takes a whole record, of up to 16 KiB, from the socket, and libpq only what its buffer has room for: at
        // least the half. The rest makes no socket readable. Servers before 17 send records of 8 KiB, which always fit.
        return PQconsumeInput(connection) == 1
    }

    /// Whether something came unasked: the server has hung up, or is about to.
    var isStale: Bool {
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        // A call that fails says nothing good of it either.
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
                milliseconds = Int32(clamping: left.wholeMilliseconds)
            }
            var descriptors = [
                pollfd(fd: socket, events: events, revents: 0),
                pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&descriptors, 2, milliseconds)
            if count < 0, errno != EINTR { throw StorageError(SystemError("poll"), "the server cannot be waited for") }
            guard count > 0 else { continue }
            if descriptors[1].revents != 0 { throw PostgresError.closing }
            // An error shows at the next call of libpq.
            if descriptors[0].revents != 0 { return descriptors[0].revents | events & Int16(POLLIN) }
        }
    }
}
#endif

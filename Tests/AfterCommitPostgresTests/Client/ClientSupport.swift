#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import Synchronization
import TestSupport

extension TestDatabase {
    var name: String { String(url.split(separator: "/").last ?? "") }

    /// A connection with a thread of its own. Close it.
    func connection(_ change: (inout PostgresConfiguration) -> Void = { _ in }) throws -> PostgresConnection {
        var configuration = try PostgresConfiguration(url)
        change(&configuration)
        return try PostgresConnection(configuration, time: TimeSource(ContinuousClock()), number: 1)
    }

    /// Runs `body` in a session that keeps at most so many statements prepared.
    func run<R: Sendable>(
        maxPrepared: Int, _ body: @escaping @Sendable (PostgresSession) throws -> R
    ) async throws -> R {
        let configuration = try PostgresConfiguration(url)
        return try await onOwnThread("test-session") {
            try body(
                PostgresSession.connect(
                    configuration, interrupt: Interrupt(), time: TimeSource(ContinuousClock()),
                    maxPrepared: maxPrepared))
        }
    }

    /// How many of the server's processes sleep for a client in this database.
    func sleeping() async throws -> Int64 {
        try await run { [name] session in
            try session.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'", [.text(name)]
            ).first().int64(0)
        }
    }

    /// Waits until one sleeps.
    func sleeps() async throws -> Bool { try await eventually { try await sleeping() == 1 } }

    /// Ends the process that serves somebody, and waits until it has ended.
    func terminate(_ process: Int32) async throws {
        try await run { _ = try $0.execute("SELECT pg_terminate_backend($1)", [.int32(process)]) }
        _ = try await eventually {
            try await run {
                try $0.execute("SELECT FROM pg_stat_activity WHERE pid = $1", [.int32(process)]).isEmpty
            }
        }
    }
}

/// What `body` throws.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw NothingThrown()
}

func postgresError(_ body: () throws -> Void) throws -> PostgresError {
    do {
        try body()
    } catch let error as PostgresError {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// Raised once, and seen by all.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

/// Accepts connections, as the system does for whoever listens, and never answers.
final class SilentServer: Sendable {
    let port: Int
    private let listener: Int32

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isListening else { throw SystemError("listen") }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit {
        close(listener)
    }
}
#endif

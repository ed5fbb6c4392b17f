#if Postgres
import AfterCommit
import CLibPQ
import Foundation
#if canImport(Glibc)
import Glibc
#endif

extension PostgresSession {
    /// Connects, and sets what each session has.
    static func connect(
        _ configuration: PostgresConfiguration, interrupt: Interrupt, time: TimeSource
    ) throws -> PostgresSession {
        let socket = try socket(configuration, interrupt: interrupt, time: time)
        let session = PostgresSession(
            socket, patience: configuration.statementTimeout.map { $0 + configuration.connectTimeout })
        for setting in configuration.settings {
            try session.execute(
                "SELECT set_config($1, $2, false)", [.text(setting.name), .text(setting.value)])
        }
        return session
    }

    static func socket(
        _ configuration: PostgresConfiguration, interrupt: Interrupt, time: TimeSource
    ) throws -> PostgresSocket {
        let parameters = configuration.parameters
        guard let connection = start(parameters) else {
            throw PostgresError.connectionLost("there is no memory for a connection")
        }
        let socket = PostgresSocket(connection, interrupt: interrupt, time: time)
        do {
            // libpq would print them to standard error.
            PQsetNoticeReceiver(connection, { _, _ in }, nil)
            try finish(socket, before: time.now() + configuration.connectTimeout)
            guard PQsetnonblocking(connection, 1) == 0 else { throw socket.failure() }
        } catch {
            PQfinish(connection)
            throw error
        }
        return socket
    }

    private static func start(_ parameters: [(String, String)]) -> OpaquePointer? {
        let names = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer {
            for pointer in names + values { free(pointer) }
        }
        let keywords = names.map { UnsafePointer<CChar>($0) } + [nil]
        let contents = values.map { UnsafePointer<CChar>($0) } + [nil]
        // The first one is a whole connection string.
        return PQconnectStartParams(keywords, contents, 1)
    }

    private static func finish(_ socket: PostgresSocket, before deadline: PostgresSocket.Deadline) throws {
        guard PQstatus(socket.connection) != CONNECTION_BAD else { throw socket.failure() }
        var status = PGRES_POLLING_WRITING
        while true {
            switch status {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try socket.wait(for: Int16(POLLIN), before: deadline)
            case PGRES_POLLING_WRITING: try socket.wait(for: Int16(POLLOUT), before: deadline)
            default: throw socket.failure()
            }
            status = PQconnectPoll(socket.connection)
        }
    }
}
#endif

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
        _ configuration: PostgresConfiguration, interrupt: Interrupt, time: TimeSource, maxPrepared: Int = 200
    ) throws -> PostgresSession {
        let socket = try socket(configuration, interrupt: interrupt, time: time)
        let session = PostgresSession(
            socket, patience: configuration.statementTimeout.map { $0 + configuration.connectTimeout },
            maxPrepared: maxPrepared)
        let settings = configuration.settings.map { setting in
            PostgresStatement("SELECT set_config($1, $2, false)", [.text(setting.name), .text(setting.value)])
        }
        let results = try session.pipeline(settings + [PostgresStatement(ServerProcess.own)])
        session.process = try results.last.flatMap { try ServerProcess($0) }
        return session
    }

    /// Connects to the first of the hosts that can be reached and is what the connection string asks for.
    static func socket(
        _ configuration: PostgresConfiguration, interrupt: Interrupt, time: TimeSource
    ) throws -> PostgresSocket {
        var random = SystemRandomNumberGenerator()
        var failure: (any Error)?
        for place in configuration.places(random: &random) {
            do {
                return try socket(configuration, place, interrupt: interrupt, time: time)
            } catch {
                // Who is refused by one has the wrong name or password, and need not show it to the others.
                let isRefused = (error as? PostgresError)?.sqlState?.hasPrefix("28") ?? false
                guard !isRefused, !interrupt.isRaised else { throw error }
                failure = error
            }
        }
        throw failure ?? PostgresError.connectionLost("there is no host to connect to")
    }

    private static func socket(
        _ configuration: PostgresConfiguration, _ place: PostgresConfiguration.Place, interrupt: Interrupt,
        time: TimeSource
    ) throws -> PostgresSocket {
        guard let connection = start(configuration.parameters(for: place)) else {
            throw PostgresError.connectionLost("there is no memory for a connection")
        }
        let socket = PostgresSocket(connection, interrupt: interrupt, time: time)
        do {
            // libpq would print them to standard error.
            PQsetNoticeReceiver(connection, { _, _ in }, nil)
            // So that a refusal comes with its SQLSTATE.
            PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
            try finish(socket, before: time.now() + configuration.connectTimeout)
            PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
            guard PQsetnonblocking(connection, 1) == 0 else { throw socket.failure() }
        } catch {
            PQfinish(connection)
            throw error
        }
        return socket
    }

    private static func start(_ parameters: [String: String]) -> OpaquePointer? {
        let parameters = Array(parameters)
        let names = parameters.map { strdup($0.key) }
        let values = parameters.map { strdup($0.value) }
        defer {
            for pointer in names + values { free(pointer) }
        }
        guard !(names + values).contains(nil) else { return nil }
        let keywords = names.map { UnsafePointer<CChar>($0) } + [nil]
        let contents = values.map { UnsafePointer<CChar>($0) } + [nil]
        return PQconnectStartParams(keywords, contents, 0)
    }

    private static func finish(_ socket: PostgresSocket, before deadline: PostgresSocket.Deadline) throws {
        let connection = socket.connection
        guard PQstatus(connection) != CONNECTION_BAD else { throw refusal(connection) }
        var status = PGRES_POLLING_WRITING
        while true {
            switch status {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try socket.wait(for: Int16(POLLIN), before: deadline)
            case PGRES_POLLING_WRITING: try socket.wait(for: Int16(POLLOUT), before: deadline)
            default: throw refusal(connection)
            }
            status = PQconnectPoll(connection)
        }
    }

    private static func refusal(_ connection: OpaquePointer) -> PostgresError {
        PostgresError(refusal: String(cString: PQerrorMessage(connection)))
    }
}
#endif

#if Postgres
import AfterCommit
import CLibPQ
import Foundation

/// A statement with its parameters.
struct PostgresStatement: Sendable {
    let sql: String
    let parameters: [PostgresValue]

    init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// One connection, used by one thread at a time. Every call waits for its answer.
///
/// Statements go through libpq's pipeline mode: what is sent together takes one round trip, preparation included, and
/// without `BEGIN` is one transaction.
final class PostgresSession {
    private let socket: PostgresSocket
    private var prepared: PreparedStatements
    /// Longer than the server lets a statement take: then nobody is there.
    private var patience: Duration?
    /// Whether nothing more can be asked.
    private(set) var isLost = false

    init(_ socket: PostgresSocket, patience: Duration?, maxPrepared: Int = 200) {
        self.socket = socket
        self.patience = patience
        prepared = PreparedStatements(limit: maxPrepared)
    }

    deinit {
        PQfinish(socket.connection)
    }

    /// Whether the server has hung up since the last statement.
    var isStale: Bool { socket.isStale }

    /// Runs `body` without a limit on how long each of its statements takes, in the transaction that is open.
    func withoutLimit<R>(_ body: () throws -> R) throws -> R {
        try execute("SET LOCAL statement_timeout = 0")
        let limit = patience
        patience = nil
        defer { patience = limit }
        return try body()
    }

    /// Whether a transaction is open, failed or not.
    var isInTransaction: Bool { PQtransactionStatus(socket.connection) != PQTRANS_IDLE }

    /// The number of the server's process that serves this connection, as `pg_backend_pid()` has it.
    var serverProcess: Int32 { PQbackendPID(socket.connection) }

    @discardableResult
    func execute(_ sql: String, _ parameters: [PostgresValue] = []) throws -> PostgresResult {
        try pipeline([PostgresStatement(sql, parameters)])[0]
    }

    /// Sends statements together, and returns their results in order.
    /// - Throws: ``PostgresError`` of the first that failed: those after it were not run.
    @discardableResult
    func pipeline(_ statements: [PostgresStatement]) throws -> [PostgresResult] {
        guard !statements.isEmpty else { return [] }
        do {
            return try run(statements)
        } catch let error as PostgresError where error.isStalePlan && !isInTransaction && statements.count == 1 {
            // A table's columns have changed since it was prepared.
            return try run(statements)
        }
    }

    private func run(_ statements: [PostgresStatement]) throws -> [PostgresResult] {
        guard !isLost else { throw PostgresError.connectionLost("the connection is lost") }
        do {
            return try exchange(statements)
        } catch let error as PostgresError {
            if PQstatus(socket.connection) != CONNECTION_OK || error.isConnectionLost { isLost = true }
            throw error
        }
    }

    private func exchange(_ statements: [PostgresStatement]) throws -> [PostgresResult] {
        let connection = socket.connection
        guard PQenterPipelineMode(connection) == 1 else { throw socket.failure() }
        // Before each statement its preparation may stand.
        var expected: [PreparedStatements.Use] = []
        for statement in statements {
            let use = prepared.use(statement)
            try use.send(statement, on: socket)
            expected.append(use)
        }
        guard PQpipelineSync(connection) == 1 else { throw socket.failure() }
        let deadline = socket.deadline(after: patience)
        try socket.flush(before: deadline)
        var results: [PostgresResult] = []
        var failure: PostgresError?
        for use in expected {
            for isPreparation in use.answers {
                let result = try answer(before: deadline)
                switch PQresultStatus(result.pointer) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                    if !isPreparation { results.append(result) }
                case PGRES_PIPELINE_ABORTED:
                    if isPreparation { prepared.forget(use) }
                default:
                    let error = PostgresError(result: result.pointer)
                    if isPreparation || error.isStalePlan { prepared.forget(use) }
                    failure = failure ?? error
                }
            }
        }
        let end = try socket.result(before: deadline).map { PostgresResult($0) }
        guard let end, PQresultStatus(end.pointer) == PGRES_PIPELINE_SYNC else {
            throw PostgresError.connectionLost("the server's answers are out of step")
        }
        guard PQexitPipelineMode(connection) == 1 else { throw socket.failure() }
        if let failure { throw failure }
        return results
    }

    /// The answer to one command, which an empty one follows.
    private func answer(before deadline: PostgresSocket.Deadline?) throws -> PostgresResult {
        guard let pointer = try socket.result(before: deadline) else { throw socket.failure() }
        let result = PostgresResult(pointer)
        if PQresultStatus(pointer) == PGRES_FATAL_ERROR, PQstatus(socket.connection) != CONNECTION_OK {
            throw PostgresError(result: pointer)
        }
        guard try socket.result(before: deadline) == nil else {
            throw PostgresError.connectionLost("the server's answers are out of step")
        }
        return result
    }

    /// Runs several statements without parameters, such as a migration.
    func executeScript(_ sql: String) throws {
        guard !isLost else { throw PostgresError.connectionLost("the connection is lost") }
        guard PQsendQuery(socket.connection, sql) == 1 else {
            isLost = true
            throw socket.failure()
        }
        var failure: PostgresError?
        let deadline = socket.deadline(after: patience)
        do {
            try socket.flush(before: deadline)
            while let pointer = try socket.result(before: deadline) {
                let result = PostgresResult(pointer)
                let status = PQresultStatus(pointer)
                if status != PGRES_COMMAND_OK, status != PGRES_TUPLES_OK, status != PGRES_EMPTY_QUERY {
                    failure = failure ?? PostgresError(result: result.pointer)
                }
            }
        } catch {
            isLost = true
            throw error
        }
        if PQstatus(socket.connection) != CONNECTION_OK { isLost = true }
        if let failure { throw failure }
    }
}

extension PostgresError {
    /// "cached plan must not change result type", or a statement that the server has forgotten.
    fileprivate var isStalePlan: Bool { sqlState == "0A000" || sqlState == "26000" }
}
#endif

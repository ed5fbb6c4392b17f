#if Postgres
import AfterCommit
import CLibPQ
import Foundation

/// One connection, used by one thread at a time. Every call waits for its answer.
///
/// Statements go through libpq's pipeline mode: what is sent together takes one round trip, preparation included, and
/// without `BEGIN` is one transaction.
final class PostgresSession {
    private let socket: PostgresSocket
    private var prepared: PreparedStatements
    /// Longer than the server lets a statement take: then nobody is there.
    private var patience: Duration?
    /// What serves it, where the server has said so.
    var process: ServerProcess?
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

    /// How many statements are prepared.
    var preparedStatements: Int { prepared.count }

    /// Whether what is sent and received is encrypted.
    var isEncrypted: Bool { PQsslInUse(socket.connection) == 1 }

    /// The number of the server's process that serves this connection, as `pg_backend_pid()` has it. A server that is started
    /// anew may give it out again: ``process`` tells sessions apart.
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
        for statement in statements { try statement.check() }
        let wasInTransaction = isInTransaction
        do {
            return try run { try exchange(statements) }
        } catch let error as PostgresError
            where error.isStaleStatement && !wasInTransaction && !isInTransaction && !isLost
            && !statements.contains(where: \.endsTransaction)
        {
            // Nothing of it was kept: what is sent together is one transaction.
            return try run { try exchange(statements) }
        }
    }

    /// Everything that talks to the server goes through here.
    private func run<R>(_ body: () throws -> R) throws -> R {
        guard !isLost else { throw PostgresError.connectionLost("the connection is lost") }
        try socket.checkInterrupt()
        do {
            return try body()
        } catch {
            // Whatever it is: an exchange that was not ended leaves a connection on which nothing more can be asked.
            let isAnswered = (error as? PostgresError).map { !$0.isConnectionLost } ?? false
            if !isAnswered || PQstatus(socket.connection) != CONNECTION_OK
                || PQpipelineStatus(socket.connection) != PQ_PIPELINE_OFF
                || PQtransactionStatus(socket.connection) == PQTRANS_ACTIVE
            {
                isLost = true
                // The server would go on with what nobody waits for.
                socket.cancelStatement()
            }
            throw error
        }
    }

    private func exchange(_ statements: [PostgresStatement]) throws -> [PostgresResult] {
        let connection = socket.connection
        let status = PQtransactionStatus(connection)
        // A failed transaction refuses it.
        let closing = status == PQTRANS_INERROR ? [] : prepared.takeEvicted()
        guard PQenterPipelineMode(connection) == 1 else { throw socket.failure() }
        try send(closing: closing)
        // Before each statement its preparation may stand.
        var expected: [PreparedStatements.Use] = []
        expected.reserveCapacity(statements.count)
        for statement in statements {
            let use = prepared.use(statement)
            try use.send(statement, on: socket)
            expected.append(use)
        }
        guard PQpipelineSync(connection) == 1 else { throw socket.failure() }
        let deadline = socket.deadline(after: patience)
        try socket.flush(before: deadline)
        let unknown = try takeAnswers(closing: closing, before: deadline)
        // Without a transaction it says that they are gone already, which is what was wanted.
        var failure = status == PQTRANS_IDLE ? nil : unknown
        var results: [PostgresResult] = []
        results.reserveCapacity(statements.count)
        for use in expected {
            if use.isNew, case .failure(let error) = try answer(before: deadline) {
                prepared.failed(use)
                failure = failure ?? error
            }
            switch try answer(before: deadline) {
            case .success(let result): results.append(result)
            case .failure(let error):
                if let error { prepared.refused(use, error) }
                failure = failure ?? error
            }
        }
        try takeSync(before: deadline)
        guard PQexitPipelineMode(connection) == 1 else { throw socket.failure() }
        if let failure { throw failure }
        return results
    }

    /// Deallocates what is used no more. It is synchronised apart, so that what follows is still the first statement of its
    /// own transaction, and runs whatever becomes of this.
    private func send(closing names: [String]) throws {
        guard !names.isEmpty else { return }
        for name in names {
            guard PQsendQueryParams(socket.connection, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 1) == 1 else {
                throw socket.failure()
            }
        }
        guard PQpipelineSync(socket.connection) == 1 else { throw socket.failure() }
    }

    /// - Returns: the error of the first that could not be deallocated, which has failed the transaction that is open.
    private func takeAnswers(
        closing names: [String], before deadline: PostgresSocket.Deadline?
    ) throws -> PostgresError? {
        guard !names.isEmpty else { return nil }
        var failure: PostgresError?
        for _ in names {
            if case .failure(let error) = try answer(before: deadline) { failure = failure ?? error }
        }
        try takeSync(before: deadline)
        if failure?.sqlState == "26000" { prepared.forgetAll() }
        return failure
    }

    /// What one command was answered.
    private enum Answer {
        case success(PostgresResult)
        /// `nil` for one that was not run because another had failed.
        case failure(PostgresError?)
    }

    /// The answer to one command, which an empty one follows.
    private func answer(before deadline: PostgresSocket.Deadline?) throws -> Answer {
        guard let pointer = try socket.result(before: deadline) else { throw socket.failure() }
        let result = PostgresResult(pointer)
        let answer: Answer
        switch PQresultStatus(pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: answer = .success(result)
        case PGRES_PIPELINE_ABORTED: answer = .failure(nil)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: throw PostgresError(result: pointer)
        default:
            let error = PostgresError(result: pointer)
            // After its last words comes nothing.
            guard PQstatus(socket.connection) == CONNECTION_OK, !error.isConnectionLost else { throw error }
            answer = .failure(error)
        }
        guard try socket.result(before: deadline) == nil else { throw Self.outOfStep }
        return answer
    }

    private func takeSync(before deadline: PostgresSocket.Deadline?) throws {
        let end = try socket.result(before: deadline).map { PostgresResult($0) }
        guard let end, PQresultStatus(end.pointer) == PGRES_PIPELINE_SYNC else { throw Self.outOfStep }
    }

    private static let outOfStep = PostgresError.connectionLost("the server's answers are out of step")

    /// Runs several statements without parameters, such as a migration.
    func executeScript(_ sql: String) throws {
        try PostgresStatement.check(script: sql)
        try run {
            guard PQsendQuery(socket.connection, sql) == 1 else { throw socket.failure() }
            var failure: PostgresError?
            let deadline = socket.deadline(after: patience)
            try socket.flush(before: deadline)
            while let pointer = try socket.result(before: deadline) {
                let result = PostgresResult(pointer)
                switch PQresultStatus(pointer) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
                case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: throw PostgresError(result: result.pointer)
                default:
                    let error = PostgresError(result: result.pointer)
                    if error.isConnectionLost { throw failure ?? error }
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
        }
    }
}
#endif

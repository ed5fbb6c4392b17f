#if Postgres
import AfterCommit

/// The server's process that serves one session. The number alone may be given to another, the moment of its start is not.
struct ServerProcess: Sendable, Hashable {
    let number: Int32
    /// As the server writes it.
    let started: String

    /// Asks a session for its own.
    static let own = "SELECT pid, backend_start::text FROM pg_stat_get_activity(pg_backend_pid())"

    init?(_ result: PostgresResult) throws {
        guard let row = result.first, let started = try row.optionalText(1) else { return nil }
        number = try row.int32(0)
        self.started = started
    }
}

extension PostgresSession {
    /// Ends another session of this role, whose connection was lost. What it was doing is decided once it is gone, and not
    /// before: it may be in the middle of a commit, or wait for a last message that is on its way.
    /// - Returns: whether it is gone.
    func end(_ process: ServerProcess) throws -> Bool {
        try execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity($1) WHERE backend_start = $2::text::timestamptz",
            [.int32(process.number), .text(process.started)]
        ).isEmpty
    }
}
#endif

#if Postgres
import AfterCommit
extension PostgresConfiguration {
    /// One try to connect: a host, and what the session must be there.
    struct Place: Sendable {
        let host: ConnectionOptions.Host
        /// libpq's `target_session_attrs`; `nil` for any.
        let session: String?
    }

    /// Where to try, one after another.
    ///
    /// libpq leaves time limits to the caller in this mode, so that it is given one host at a time.
    func places(random: inout some RandomNumberGenerator) -> [Place] {
        let hosts = options["load_balance_hosts"] == "random" ? options.hosts.shuffled(using: &random) : options.hosts
        let session = options["target_session_attrs"]
        guard session == "prefer-standby" else { return hosts.map { Place(host: $0, session: session) } }
        // All standbys come before the first that is none.
        return ["standby", "any"].flatMap { session in hosts.map { Place(host: $0, session: session) } }
    }

    /// libpq's keywords and values.
    func parameters(for place: Place) -> [String: String] {
        var values = options.keywords
        values["host"] = place.host.name
        values["hostaddr"] = place.host.address
        values["port"] = place.host.port
        values["target_session_attrs"] = place.session
        values["load_balance_hosts"] = nil
        values["connect_timeout"] = nil
        values["application_name"] = applicationName
        values["client_encoding"] = "UTF8"
        values.merge(tlsParameters(for: place.host)) { $1 }
        // A server whose machine is gone answers nothing: its connections end after some silence.
        let silence = [
            "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "30000",
        ]
        values.merge(silence) { said, _ in said }
        return values
    }

    /// What each session begins with.
    var settings: [(name: String, value: String)] {
        // Short statements: compiling them takes longer than running them.
        var settings: [(name: String, value: String)] = [("timezone", "UTC"), ("jit", "off")]
        // The engine's own statements find what others have just committed, whatever the database's default is.
        settings.append(("default_transaction_isolation", "read committed"))
        settings.append(("statement_timeout", statementTimeout.map { "\($0.wholeMilliseconds)" } ?? "0"))
        settings.append(
            ("idle_in_transaction_session_timeout", idleInTransactionTimeout.map { "\($0.wholeMilliseconds)" } ?? "0"))
        if let schema { settings.append(("search_path", "\"\(schema)\"")) }
        return settings
    }
}
#endif

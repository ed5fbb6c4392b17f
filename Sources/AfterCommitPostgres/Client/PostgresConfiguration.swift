#if Postgres
import AfterCommit
import CLibPQ
import Foundation

/// Where a database is, and how to connect.
///
/// ```swift
/// var database = try PostgresConfiguration("postgresql://shop@db.example/shop")
/// database.tls = .verifyFull(rootCertificates: "/etc/ssl/certs/ca-certificates.crt")
/// ```
public struct PostgresConfiguration: Sendable {
    /// Whether the connection is encrypted, and what is checked of the server (libpq, `sslmode`).
    public struct TLS: Sendable, Hashable {
        let mode: String
        let rootCertificates: String?

        /// Never.
        public static let disable = Self(mode: "disable", rootCertificates: nil)
        /// If the server can: nothing is checked, so it protects from nobody who is between.
        public static let prefer = Self(mode: "prefer", rootCertificates: nil)
        /// Always; the server's certificate is not checked.
        public static let require = Self(mode: "require", rootCertificates: nil)
        /// Always, and an authority of the file must have signed the server's certificate.
        public static func verifyCA(rootCertificates path: String) -> Self {
            Self(mode: "verify-ca", rootCertificates: path)
        }
        /// As ``verifyCA(rootCertificates:)``, and the certificate must be of the host that was asked for. The one to use
        /// outside of loopback.
        public static func verifyFull(rootCertificates path: String) -> Self {
            Self(mode: "verify-full", rootCertificates: path)
        }
    }

    /// A URI or `key=value` pairs, as libpq reads them. It may hold a password, so no error and no log has it.
    public let connectionString: String
    /// Default `nil`: what the connection string says, or libpq's own default, `prefer`.
    public var tls: TLS?
    /// What the server lists the connections as. Default `aftercommit`.
    public var applicationName: String
    /// How long connecting may take. Default 5 s.
    public var connectTimeout: Duration
    /// How long a statement may take, `nil` for as long as it likes. Default 30 s.
    public var statementTimeout: Duration?
    /// After how long the server ends a transaction in which nothing happens. Default 60 s.
    public var idleInTransactionTimeout: Duration?
    /// How many connections there are at most, beside the one that listens. Default 8.
    public var maxConnections: Int
    /// The schema of the tables, which must exist. Default `nil`: the role's own search path.
    public var schema: String?

    /// - Throws: `StorageError` with `unsuitablePath` for a string that libpq cannot read.
    public init(
        _ connectionString: String, tls: TLS? = nil, applicationName: String = "aftercommit",
        connectTimeout: Duration = .seconds(5), statementTimeout: Duration? = .seconds(30),
        idleInTransactionTimeout: Duration? = .seconds(60), maxConnections: Int = 8, schema: String? = nil
    ) throws {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &message) else {
            // The message may quote the string, and with it a password.
            PQfreemem(message)
            throw StorageError(
                .unsuitablePath,
                "the connection string cannot be read: write postgresql://user@host:port/database or key=value pairs")
        }
        PQconninfoFree(options)
        self.connectionString = connectionString
        self.tls = tls
        self.applicationName = applicationName
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.maxConnections = maxConnections
        self.schema = schema
    }

    func validate() throws(StorageError) {
        guard maxConnections >= 1 else {
            throw StorageError(.unsuitablePath, "maxConnections is \(maxConnections); it must be at least 1")
        }
        guard connectTimeout > .zero else {
            throw StorageError(.unsuitablePath, "connectTimeout is \(connectTimeout); it must be positive")
        }
        if let statementTimeout, statementTimeout <= .zero {
            throw StorageError(.unsuitablePath, "statementTimeout is \(statementTimeout); it must be positive")
        }
        if let schema, schema.isEmpty || schema.utf8.count > 63 || schema.contains("\"") || schema.contains("\\") {
            throw StorageError(
                .unsuitablePath, "schema is \(schema.debugDescription): 1 to 63 bytes, no quote, no backslash")
        }
    }

    /// As libpq takes them; what comes later wins.
    var parameters: [(String, String)] {
        var parameters = [("dbname", connectionString), ("fallback_application_name", "aftercommit")]
        parameters.append(("application_name", applicationName))
        if let tls {
            parameters.append(("sslmode", tls.mode))
            if let path = tls.rootCertificates { parameters.append(("sslrootcert", path)) }
        }
        parameters.append(("client_encoding", "UTF8"))
        // A server whose machine is gone answers nothing: its connections end after some silence.
        parameters.append(("keepalives_idle", "15"))
        parameters.append(("keepalives_interval", "5"))
        parameters.append(("keepalives_count", "3"))
        return parameters
    }

    /// What each session begins with.
    var settings: [(name: String, value: String)] {
        // Short statements: compiling them takes longer than running them.
        var settings: [(name: String, value: String)] = [("timezone", "UTC"), ("jit", "off")]
        settings.append(("statement_timeout", statementTimeout.map { "\($0.milliseconds)" } ?? "0"))
        settings.append(
            ("idle_in_transaction_session_timeout", idleInTransactionTimeout.map { "\($0.milliseconds)" } ?? "0"))
        if let schema { settings.append(("search_path", "\"\(schema)\"")) }
        return settings
    }
}

extension Duration {
    /// At least one, rounded down.
    var milliseconds: Int64 { max(1, Int64(timeInterval * 1000)) }
}
#endif

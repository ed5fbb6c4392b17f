#if Postgres
import AfterCommit
import Foundation

/// Where a database is, and how to connect.
///
/// ```swift
/// var database = try PostgresConfiguration("postgresql://shop@db.example/shop")
/// database.tls = .verifyFull(rootCertificates: "/etc/ssl/certs/ca-certificates.crt")
/// ```
public struct PostgresConfiguration: Sendable {
    /// A URI or `key=value` pairs, as libpq reads them. It may hold a password, so no error, no log and no description has it.
    public let connectionString: String
    /// How connections are protected, where neither the connection string nor `PGSSLMODE` has an `sslmode`: that always wins.
    ///
    /// Default `nil`: libpq's own default on loopback and on Unix sockets, and ``TLS/require`` for every other host. That keeps
    /// who only listens from reading, whatever certificate the server has. It does not keep out who can put himself between,
    /// because nobody looks at the certificate: ``TLS/verifyFull(rootCertificates:)`` does.
    public var tls: TLS?
    /// What the server lists the connections as. Default: the connection string's `application_name`, or `aftercommit`.
    public var applicationName: String
    /// How long connecting may take, for each host of a list. Default: the connection string's `connect_timeout`, or 5 s. The
    /// system's resolver has limits of its own.
    public var connectTimeout: Duration
    /// How long a statement may take, `nil` for as long as it likes. Default 30 s. A server that has not said by the
    /// ``connectTimeout`` after it that it ended the statement is taken for dead.
    public var statementTimeout: Duration?
    /// After how long the server ends a transaction in which nothing happens. Default 60 s.
    public var idleInTransactionTimeout: Duration?
    /// How many connections there are at most, beside the one that listens and the one that keeps the right to deliver. Default 8.
    public var maxConnections: Int
    /// The schema of the tables, which must exist. Default `nil`: the role's own search path.
    public var schema: String?

    let options: ConnectionOptions

    /// - Throws: `StorageError` with `unsuitablePath` for a string that libpq cannot read, or a keyword that cannot be used.
    public init(
        _ connectionString: String, tls: TLS? = nil, applicationName: String? = nil,
        connectTimeout: Duration? = nil, statementTimeout: Duration? = .seconds(30),
        idleInTransactionTimeout: Duration? = .seconds(60), maxConnections: Int = 8, schema: String? = nil
    ) throws {
        options = try ConnectionOptions(connectionString)
        self.connectionString = connectionString
        self.tls = tls
        self.applicationName = applicationName ?? options["application_name"] ?? "aftercommit"
        // libpq: zero or less waits for ever, which nobody here may.
        let said = options["connect_timeout"].flatMap(Int.init).flatMap { $0 > 0 ? Duration.seconds($0) : nil }
        self.connectTimeout = connectTimeout ?? said ?? .seconds(5)
        self.statementTimeout = statementTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.maxConnections = maxConnections
        self.schema = schema
    }

    /// What the server keeps in milliseconds, as 32 bits.
    private static let limits = Duration.milliseconds(1)...Duration.milliseconds(Int32.max)

    func validate() throws(StorageError) {
        guard maxConnections >= 1 else {
            throw StorageError(.unsuitablePath, "maxConnections is \(maxConnections); it must be at least 1")
        }
        guard connectTimeout > .zero else {
            throw StorageError(.unsuitablePath, "connectTimeout is \(connectTimeout); it must be positive")
        }
        for (name, limit) in [
            ("statementTimeout", statementTimeout), ("idleInTransactionTimeout", idleInTransactionTimeout),
        ] {
            guard let limit, !Self.limits.contains(limit) else { continue }
            throw StorageError(.unsuitablePath, "\(name) is \(limit); it must be 1 ms to 24 days, or nil")
        }
        guard !applicationName.hasNUL else {
            throw StorageError(.unsuitablePath, "applicationName has a NUL character")
        }
        if let schema,
            schema.isEmpty || schema.utf8.count > 63 || schema.hasNUL || schema.contains("\"")
                || schema.contains("\\")
        {
            throw StorageError(
                .unsuitablePath, "schema is \(schema.debugDescription): 1 to 63 bytes, no quote, no backslash, no NUL")
        }
        if let path = tls?.rootCertificates, !FileManager.default.isReadableFile(atPath: path) {
            throw StorageError(.unsuitablePath, "tls has root certificates at \(path), which cannot be read")
        }
        guard options["service"] == nil || options["sslmode"] != nil || tls != nil else {
            throw StorageError(
                .unsuitablePath,
                "the connection string names a service, whose host and sslmode only libpq reads: set `tls`, or write sslmode beside the service"
            )
        }
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where it leads, without the password.
    public var description: String { options.description }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}
#endif

#if RabbitMQ
import AfterCommit

/// Where a broker is, and how to connect.
///
/// ```swift
/// var broker = try RabbitMQConfiguration("amqps://shop@rabbit-1.example,rabbit-2.example/orders")
/// broker.password = secrets.rabbitMQ
/// broker.tls?.certificateAuthorities = "/etc/ssl/rabbitmq-ca.pem"
/// ```
public struct RabbitMQConfiguration: Sendable, Hashable {
    /// One of the brokers of a cluster.
    public struct Host: Sendable, Hashable {
        public var name: String
        /// Default 5672, with TLS 5671.
        public var port: Int?

        public init(_ name: String, port: Int? = nil) {
            self.name = name
            self.port = port
        }
    }

    /// Tried one after another, each time from the first.
    public var hosts: [Host]
    public var user: String
    /// No description, no error and no log has it.
    public var password: String
    /// Default `/`.
    public var virtualHost: String
    /// `nil`: the connection is not encrypted.
    public var tls: TLS?
    /// After how much silence the connection counts as lost, in whole seconds; zero for never. Default 15 s. The broker may
    /// ask for less.
    public var heartbeat: Duration
    /// How long connecting may take, for each host, and how long the broker may take for an answer. Default 5 s. The system's
    /// resolver has limits of its own.
    public var connectTimeout: Duration
    /// What the broker lists the connections as. Default `aftercommit`.
    public var connectionName: String

    public init(
        hosts: [Host] = [Host("localhost")], user: String = "guest", password: String = "guest",
        virtualHost: String = "/", tls: TLS? = nil, heartbeat: Duration = .seconds(15),
        connectTimeout: Duration = .seconds(5), connectionName: String = "aftercommit"
    ) {
        self.hosts = hosts
        self.user = user
        self.password = password
        self.virtualHost = virtualHost
        self.tls = tls
        self.heartbeat = heartbeat
        self.connectTimeout = connectTimeout
        self.connectionName = connectionName
    }

    func port(of host: Host) -> Int { host.port ?? (tls == nil ? 5_672 : 5_671) }

    func validate() throws(RabbitMQError) {
        func check(_ holds: Bool, _ message: @autoclosure () -> String) throws(RabbitMQError) {
            if !holds { throw RabbitMQError(.invalidConfiguration, message()) }
        }
        try check(!hosts.isEmpty, "there is no host")
        for host in hosts {
            try check(!host.name.isEmpty && !host.name.hasNUL, "a host has no name")
            try check((1...65_535).contains(port(of: host)), "the port of \(host.name) is not between 1 and 65535")
        }
        for (name, text) in [("user", user), ("password", password), ("virtualHost", virtualHost)] {
            try check(!text.hasNUL, "\(name) has a NUL character")
        }
        try check(virtualHost.utf8.count <= 255, "virtualHost is longer than 255 bytes")
        try check(
            heartbeat >= .zero && heartbeat <= .seconds(65_535) && heartbeat.components.attoseconds == 0,
            "heartbeat is \(heartbeat); it must be 0 to 65535 whole seconds")
        try check(
            connectTimeout > .zero && connectTimeout <= .seconds(3_600),
            "connectTimeout is \(connectTimeout); it must be positive and at most an hour")
        try tls?.validate()
    }
}

extension RabbitMQConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where it leads, without the password.
    public var description: String {
        let places = hosts.map { "\($0.name):\(port(of: $0))" }.joined(separator: ",")
        return "\(tls == nil ? "amqp" : "amqps")://\(user)@\(places)/\(virtualHost == "/" ? "" : virtualHost)"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
#endif

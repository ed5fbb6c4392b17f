#if RabbitMQ
import AfterCommit
import CRabbitMQ
import Foundation

extension BrokerConnection {
    /// Connects to the first host that lets it in. It blocks meanwhile, for the configuration's `connectTimeout` for each host.
    /// - Parameter maxBodyBytes: the largest message that is taken.
    static func connect(
        _ configuration: RabbitMQConfiguration, maxBodyBytes: Int, interrupt: Interrupt, time: TimeSource
    ) throws(RabbitMQError) -> BrokerConnection {
        var failure = RabbitMQError(.invalidConfiguration, "there is no host")
        for host in configuration.hosts {
            guard !interrupt.isRaised else { throw RabbitMQError(.closed, "the connection is being closed") }
            guard let state = amqp_new_connection() else { throw RabbitMQError(.unreachable, "out of memory") }
            do {
                try open(state, host, configuration)
                return BrokerConnection(
                    state, callTimeout: configuration.connectTimeout, maxBodyBytes: maxBodyBytes, interrupt: interrupt,
                    time: time)
            } catch {
                amqp_destroy_connection(state)
                failure = error
            }
        }
        throw failure
    }

    private static func open(
        _ state: amqp_connection_state_t, _ host: RabbitMQConfiguration.Host, _ configuration: RabbitMQConfiguration
    ) throws(RabbitMQError) {
        let place = "\(host.name):\(configuration.port(of: host))"
        let socket = try makeSocket(state, configuration, place: place)
        var timeout = timeval(configuration.connectTimeout)
        var status = amqp_set_handshake_timeout(state, &timeout)
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(opening: status, host: place) }
        status = amqp_socket_open_noblock(socket, host.name, Int32(configuration.port(of: host)), &timeout)
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(opening: status, host: place) }
        let reply = login(state, configuration)
        guard reply.reply_type == AMQP_RESPONSE_NORMAL else { throw RabbitMQError(login: reply, host: place) }
    }

    private static func makeSocket(
        _ state: amqp_connection_state_t, _ configuration: RabbitMQConfiguration, place: String
    ) throws(RabbitMQError) -> OpaquePointer {
        guard let tls = configuration.tls else {
            guard let socket = amqp_tcp_socket_new(state) else {
                throw RabbitMQError(.unreachable, "\(place): no socket could be made")
            }
            return socket
        }
        guard let socket = amqp_ssl_socket_new(state) else {
            throw RabbitMQError(.tls, "\(place): TLS could not be set up")
        }
        amqp_ssl_socket_set_verify_peer(socket, tls.verifiesCertificate ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.verifiesHost ? 1 : 0)
        if let path = try tls.authorities(), amqp_ssl_socket_set_cacert(socket, path) != AMQP_STATUS_OK.rawValue {
            throw RabbitMQError(.tls, "the authorities in \(path) cannot be used")
        }
        if let certificate = tls.certificate, let key = tls.key,
            amqp_ssl_socket_set_key(socket, certificate, key) != AMQP_STATUS_OK.rawValue
        {
            throw RabbitMQError(.tls, "the certificate in \(certificate) and the key in \(key) cannot be used")
        }
        let status = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        guard status == AMQP_STATUS_OK.rawValue else { throw RabbitMQError(.tls, "the library has no TLS 1.2") }
        return socket
    }

    /// The capabilities that the broker is to use ("Consumer Cancel Notify", "Blocked Connection Notifications").
    private static let capabilities = [
        "connection.blocked", "consumer_cancel_notify", "publisher_confirms", "basic.nack",
        "authentication_failure_close",
    ]

    private static func login(
        _ state: amqp_connection_state_t, _ configuration: RabbitMQConfiguration
    ) -> amqp_rpc_reply_t {
        var arena = BytesArena()
        let names = capabilities.map { arena.append($0) }
        let keys = (capabilities: arena.append("capabilities"), name: arena.append("connection_name"))
        let name = arena.append(configuration.connectionName)
        return arena.withBytes { lent in
            var flags = names.map { name in
                var field = amqp_field_value_t()
                field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
                field.value.boolean = 1
                return amqp_table_entry_t(key: lent[name], value: field)
            }
            return flags.withUnsafeMutableBufferPointer { flags in
                var table = amqp_field_value_t()
                table.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
                table.value.table = amqp_table_t(num_entries: Int32(flags.count), entries: flags.baseAddress)
                var text = amqp_field_value_t()
                text.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                text.value.bytes = lent[name]
                var entries = [
                    amqp_table_entry_t(key: lent[keys.capabilities], value: table),
                    amqp_table_entry_t(key: lent[keys.name], value: text),
                ]
                return entries.withUnsafeMutableBufferPointer { entries in
                    var properties = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
                    return aftercommit_amqp_login(
                        state, configuration.virtualHost, AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE,
                        Int32(configuration.heartbeat.components.seconds), &properties, configuration.user,
                        configuration.password)
                }
            }
        }
    }
}

extension timeval {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: .init(attoseconds / 1_000_000_000_000))
    }
}
#endif

#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Testing

@Suite("Where a broker is")
struct ConfigurationTests {
    @Test("a whole URL")
    func whole() throws {
        let broker = try RabbitMQConfiguration(
            "amqps://us%40er:p%2Fw%3A%40@a.example:5673,b.example/my%2Fhost?heartbeat=7&connection_timeout=2500&name=shop&verify=verify_none&channel_max=3"
        )
        #expect(broker.hosts == [.init("a.example", port: 5_673), .init("b.example")])
        #expect(broker.hosts.map(broker.port(of:)) == [5_673, 5_671])
        #expect(broker.user == "us@er" && broker.password == "p/w:@" && broker.virtualHost == "my/host")
        #expect(broker.heartbeat == .seconds(7) && broker.connectTimeout == .milliseconds(2_500))
        #expect(broker.connectionName == "shop")
        #expect(broker.tls?.verifiesCertificate == false && broker.tls?.verifiesHost == false)
        try broker.validate()
    }

    @Test(
        "what is left out has its default",
        arguments: [
            "amqp://", "amqp://localhost", "AMQP://localhost:5672", "amqp://guest:guest@localhost/%2f", "amqp://guest@",
        ])
    func defaults(url: String) throws {
        let broker = try RabbitMQConfiguration(url)
        #expect(broker.hosts.map(\.name) == ["localhost"] && broker.port(of: broker.hosts[0]) == 5_672)
        #expect(broker.user == "guest" && broker.password == "guest" && broker.virtualHost == "/" && broker.tls == nil)
        #expect(broker.description == "amqp://guest@localhost:5672/")
    }

    @Test("a slash with nothing behind it is the virtual host without a name")
    func emptyHost() throws {
        #expect(try RabbitMQConfiguration("amqp://h/").virtualHost == "")
    }

    @Test("addresses of version 6 are in brackets")
    func brackets() throws {
        #expect(try RabbitMQConfiguration("amqp://[::1]:5673").hosts == [.init("::1", port: 5_673)])
        #expect(try RabbitMQConfiguration("amqp://u:p@[fe80::1]/v").hosts == [.init("fe80::1")])
    }

    @Test(
        "what cannot be read is refused, and not quoted",
        arguments: [
            "http://secret@h", "secret", "amqp://u:secret%@h", "amqp://u:secret%zz@h", "amqp://u:secret%+1@h",
            "amqp://u:secret@h:0", "amqp://u:secret@h:99999", "amqp://u:secret@h:x", "amqp://u:secret@[::1",
            "amqp://u:secret@[::1]x", "amqp://u:secret@h?heartbeat=-1", "amqp://u:secret@h?heartbeat=a",
            "amqp://u:secret@h?cacertfile=/x", "amqps://u:secret@h?verify=maybe", "amqp://u:secret%ff@h",
            "amqp://u:secret@h#f",
        ])
    func unreadable(url: String) throws {
        let error = try #require(throws: RabbitMQError.self) { _ = try RabbitMQConfiguration(url) }
        #expect(error.code == .invalidConfiguration && error.failureType == "rabbitmq.invalid-configuration")
        #expect(!error.description.contains("secret"))
    }

    @Test("no description has the password")
    func passwords() throws {
        let broker = try RabbitMQConfiguration("amqp://user:top-secret@host/vhost")
        var dumped = ""
        dump(broker, to: &dumped)
        for text in ["\(broker)", String(reflecting: broker), dumped, "\([broker])"] {
            #expect(!text.contains("top-secret"))
            #expect(text.contains("user@host"))
        }
    }

    @Test("settings that cannot work are refused")
    func invalid() throws {
        func refused(_ change: (inout RabbitMQConfiguration) -> Void) throws {
            var broker = RabbitMQConfiguration()
            change(&broker)
            #expect(throws: RabbitMQError.self) { try broker.validate() }
        }
        try refused { $0.hosts = [] }
        try refused { $0.hosts = [.init("")] }
        try refused { $0.hosts = [.init("h", port: 70_000)] }
        try refused { $0.heartbeat = .milliseconds(500) }
        try refused { $0.heartbeat = .seconds(70_000) }
        try refused { $0.connectTimeout = .zero }
        try refused { $0.password = "a\0b" }
        try refused { $0.virtualHost = String(repeating: "v", count: 256) }
        try refused { $0.tls = .init(certificateAuthorities: "/does/not/exist") }
        try refused { $0.tls = .init(key: "/etc/hostname") }
        #expect(throws: RabbitMQError.self) { try RabbitMQEventSourceConfiguration(queue: "").validate() }
        #expect(throws: RabbitMQError.self) { try RabbitMQEventSourceConfiguration(queue: "q", prefetch: 0).validate() }
        #expect(throws: RabbitMQError.self) {
            try RabbitMQEventSinkConfiguration(exchange: "e", batch: BatchSize(0)).validate()
        }
    }

    @Test("the broker's words for a message that is too large")
    func sizes() {
        func refusal(_ text: String, code: Int? = 406) -> MessageSizeRefusal? {
            MessageSizeRefusal(RabbitMQError(.channelClosed, text, replyCode: code))
        }
        let words = "PRECONDITION_FAILED - message size 5000000 is larger than configured max size 4194304"
        #expect(refusal(words)?.limit == 4_194_304 && refusal(words)?.size == 5_000_000)
        #expect(refusal(words, code: 404) == nil)
        #expect(refusal("PRECONDITION_FAILED - message size 5 is larger") == nil)
        #expect(refusal("PRECONDITION_FAILED - inequivalent arg 'durable'") == nil)
    }
}
#endif

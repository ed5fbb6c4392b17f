#if RabbitMQ
/// The exchanges and queues that a sink or a source needs, made or looked for each time a channel is opened.
///
/// ```swift
/// let topology = RabbitMQTopology.declare(
///     exchanges: [.topic("shop")],
///     queues: [.quorum("data-platform", bindings: [.init("shop", "order.*")], deadLetters: .init("data-platform.dead"))])
/// ```
///
/// Declaring what is there already, as it is declared, does nothing. What is there and differs is an error
/// (`rabbitmq.topology-mismatch`), and never changed.
public struct RabbitMQTopology: Sendable, Hashable {
    enum Action: Hashable, Sendable {
        case nothing
        case declare
        case check
    }

    let action: Action
    let exchanges: [Exchange]
    let queues: [Queue]

    /// Nothing is declared and nothing is looked for.
    public static let none = Self(action: .nothing, exchanges: [], queues: [])

    /// Makes what is not there. The user needs the permission to configure.
    public static func declare(exchanges: [Exchange] = [], queues: [Queue] = []) -> Self {
        Self(action: .declare, exchanges: exchanges, queues: queues)
    }

    /// Only looks whether they are there (a passive declaration), whatever they are like. Bindings cannot be looked for.
    public static func check(exchanges: [String] = [], queues: [String] = []) -> Self {
        Self(
            action: .check, exchanges: exchanges.map { Exchange($0, kind: .topic) },
            queues: queues.map { Queue($0, kind: .classic) })
    }

    /// A durable exchange.
    public struct Exchange: Sendable, Hashable {
        /// How an exchange chooses queues (AMQP 0-9-1, section 3.1.3). More kinds come with plugins of the broker.
        public struct Kind: Sendable, Hashable {
            public let name: String

            public init(_ name: String) {
                self.name = name
            }

            /// The routing key is the binding's.
            public static let direct = Kind("direct")
            /// The routing key matches the binding's pattern: `*` for one word, `#` for any number of words.
            public static let topic = Kind("topic")
            /// All queues.
            public static let fanout = Kind("fanout")
            /// By headers.
            public static let headers = Kind("headers")
        }

        public var name: String
        public var kind: Kind

        public init(_ name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }

        public static func topic(_ name: String) -> Self { Self(name, kind: .topic) }
        public static func direct(_ name: String) -> Self { Self(name, kind: .direct) }
        public static func fanout(_ name: String) -> Self { Self(name, kind: .fanout) }
    }

    /// A durable queue.
    ///
    /// A quorum queue with dead letters is declared with `x-dead-letter-strategy` at-least-once, so that a rejected message stays
    /// until the queue of the dead letters has stored it, and with `x-overflow` reject-publish, which that needs (RabbitMQ 3.10).
    /// ``arguments`` come first: with `x-dead-letter-strategy` at-most-once, or `x-overflow` drop-head, neither is added, and a
    /// dead letter can be lost when a node fails. On a classic queue it always can.
    ///
    /// A quorum queue gives a message out again at most as often as `x-delivery-limit` says, and then makes a dead letter of it,
    /// or deletes it if there are none. RabbitMQ 4 has a limit of 20 where none is given, before that there is none. What was
    /// out counts when a consumer crashes, loses its connection or exceeds the broker's `consumer_timeout` (30 minutes): raise
    /// the limit, or switch it off with -1 on RabbitMQ 4.
    public struct Queue: Sendable, Hashable {
        public enum Kind: String, Sendable, Hashable {
            /// Replicated, and counts deliveries: for what must not be lost.
            case quorum
            /// On one node.
            case classic
        }

        /// A value of ``arguments``.
        public enum Argument: Sendable, Hashable {
            case text(String)
            case integer(Int64)
            case boolean(Bool)
        }

        public var name: String
        public var kind: Kind
        public var bindings: [Binding]
        /// Where rejected messages go, and those that came back too often. Default `nil`: the broker deletes them.
        public var deadLetters: DeadLetters?
        /// Further arguments by the broker's names, such as `x-max-length`.
        public var arguments: [String: Argument]

        public init(
            _ name: String, kind: Kind, bindings: [Binding] = [], deadLetters: DeadLetters? = nil,
            arguments: [String: Argument] = [:]
        ) {
            self.name = name
            self.kind = kind
            self.bindings = bindings
            self.deadLetters = deadLetters
            self.arguments = arguments
        }

        public static func quorum(
            _ name: String, bindings: [Binding] = [], deadLetters: DeadLetters? = nil,
            arguments: [String: Argument] = [:]
        ) -> Self {
            Self(name, kind: .quorum, bindings: bindings, deadLetters: deadLetters, arguments: arguments)
        }

        public static func classic(
            _ name: String, bindings: [Binding] = [], deadLetters: DeadLetters? = nil,
            arguments: [String: Argument] = [:]
        ) -> Self {
            Self(name, kind: .classic, bindings: bindings, deadLetters: deadLetters, arguments: arguments)
        }
    }

    /// What a queue gets of an exchange.
    public struct Binding: Sendable, Hashable {
        public var exchange: String
        public var routingKey: String

        public init(_ exchange: String, _ routingKey: String = "") {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    /// A fanout exchange and the queue behind it, both made with the queue whose rejected messages they take.
    public struct DeadLetters: Sendable, Hashable {
        public var exchange: String
        /// Of the kind of the queue that they come from. `nil`: none is made; until one is bound, a quorum queue keeps its dead
        /// letters itself.
        public var queue: String?

        public init(exchange: String, queue: String?) {
            self.exchange = exchange
            self.queue = queue
        }

        /// An exchange and a queue of this name.
        public init(_ name: String) {
            self.init(exchange: name, queue: name)
        }
    }
}
#endif

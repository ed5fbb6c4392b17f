#if Kafka
public import AfterCommit

/// To which topic events go.
///
/// ```swift
/// KafkaEventSink(kafka, topic: "orders", logger: logger)
/// KafkaEventSink(kafka, topic: .chosen { event in "shop.\(event.context.envelope.type)" }, logger: logger)
/// ```
public struct KafkaTopic: Sendable, ExpressibleByStringLiteral {
    enum Choice: Sendable {
        case eventType
        case named(String)
        case chosen(@Sendable (OutgoingEvent) -> String)
    }

    let choice: Choice

    /// The one that is named like the event's type, such as `order.placed`, with the prefix that it gets outside.
    public static let eventType = Self(choice: .eventType)

    /// One for all events.
    public static func named(_ name: String) -> Self { Self(choice: .named(name)) }

    /// One of your choice for each event: a name of 1 to 249 letters, digits, dots, underscores and hyphens.
    public static func chosen(_ choose: @escaping @Sendable (OutgoingEvent) -> String) -> Self {
        Self(choice: .chosen(choose))
    }

    init(choice: Choice) {
        self.choice = choice
    }

    public init(stringLiteral name: String) {
        self = .named(name)
    }

    /// - Parameter cloudEvent: what is sent of the event.
    func name(for event: OutgoingEvent, as cloudEvent: CloudEvent) -> String {
        switch choice {
        case .eventType: cloudEvent.type
        case .named(let name): name
        case .chosen(let choose): choose(event)
        }
    }

    /// - Throws: ``KafkaError`` with `invalidTopic` for a name that no topic can have (Apache Kafka, `Topic.validate`).
    static func check(_ name: String) throws(KafkaError) {
        let isLegal = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        guard isLegal, (1...249).contains(name.utf8.count), name != ".", name != ".." else {
            throw KafkaError(
                .invalidTopic,
                "\(String(name.prefix(100)).debugDescription) is no topic: 1 to 249 letters, digits, '.', '_' and '-'")
        }
    }
}
#endif

#if Example
import ArgumentParser

/// Says in which direction a command uses a broker.
protocol BrokerDirection {
    static var optionName: String { get }
    static var help: String { get }
}

enum From: BrokerDirection {
    static let optionName = "from"
    static let help = "The broker to take events from: rabbitmq or kafka."
}

enum To: BrokerDirection {
    static let optionName = "to"
    static let help = "Deliver to a broker, rabbitmq or kafka, instead of to a platform."
}

/// A broker, and where it is.
struct BrokerOptions<Direction: BrokerDirection>: ParsableArguments {
    @Option(name: .customLong(Direction.optionName), help: ArgumentHelp(Direction.help, valueName: "broker"))
    var kind: BrokerChoice.Kind?

    @Option(
        help: ArgumentHelp(
            "Where it is: amqp://user:password@host:port/vhost, or Kafka's host:port,...", valueName: "url"))
    var broker: String?

    /// The broker that was named; `nil` for none.
    func optionalChoice() throws -> BrokerChoice? {
        switch (kind, broker) {
        case (nil, nil): return nil
        case (let kind?, let url?): return BrokerChoice(kind: kind, url: url)
        case (nil, _?): throw ValidationError("--broker needs --\(Direction.optionName) rabbitmq or kafka.")
        case (_?, nil): throw ValidationError("--\(Direction.optionName) needs --broker, where it is.")
        }
    }

    func choice() throws -> BrokerChoice {
        guard let choice = try optionalChoice() else {
            throw ValidationError("--\(Direction.optionName) and --broker are needed.")
        }
        return choice
    }
}
#endif

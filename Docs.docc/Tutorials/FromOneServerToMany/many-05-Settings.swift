import Foundation

/// Where the servers are. The environment says it, or they are on this machine.
enum Settings {
    static let orders = url("ORDERS", default: "postgresql://localhost/orders")
    static let platform = url("PLATFORM", default: "postgresql://localhost/platform")
    static let broker = url("BROKER", default: "amqp://localhost")

    private static func url(_ name: String, default other: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? other
    }
}

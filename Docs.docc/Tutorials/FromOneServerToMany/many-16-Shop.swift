import AfterCommit
import AfterCommitPostgres
import Foundation
import Logging

@main enum Shop {
    static func main() async throws {
        var logger = Logger(label: "shop")
        logger.logLevel = .notice
        switch CommandLine.arguments.dropFirst().first {
        case "relay": try await Relay.run(logger: logger)
        case "platform": try await Platform.run(logger: logger)
        default: try await placeOrders()
        }
    }

    static func placeOrders() async throws {
        let storage = try await PostgresStorage.openOrders()
        for _ in 1...10 {
            let order = try await PlaceOrder(storage: storage)(total: 42)
            print("placed \(order.id)")
        }
        await storage.close()
    }
}

import AfterCommit
import Foundation
import Logging

@main enum Shop {
    static func main() async throws {
        let storage = try await openStorage(CommandLine.arguments.dropFirst().first ?? "memory")
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "shop"),
            subscriptions: [
                Subscription("receipts", to: OrderPlaced.self) { event, _ in print("receipt for \(event.total)") }
            ])
        _ = try await PlaceOrder(storage: storage)(total: 42)
        try await engine.drain()
    }
}

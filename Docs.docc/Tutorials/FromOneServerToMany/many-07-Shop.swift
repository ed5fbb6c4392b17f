import AfterCommit
import AfterCommitPostgres
import Foundation

@main enum Shop {
    static func main() async throws {
        let storage = try await PostgresStorage.openOrders()
        for _ in 1...10 {
            let order = try await PlaceOrder(storage: storage)(total: 42)
            print("placed \(order.id)")
        }
        await storage.close()
    }
}

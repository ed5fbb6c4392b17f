import AfterCommit

struct PlaceOrder: Sendable {
    let storage: any OrderStorage

    func callAsFunction(_ request: OrderRequest) async throws -> Order {
        try await storage.transaction { tx in
            try ProcessOrder()(request, in: tx)
        }
    }
}

protocol DataPlatform: Sendable {
    func publish(_ event: OrderPlaced, idempotencyKey: String) async throws
}

actor PrintingDataPlatform: DataPlatform {
    private var received: Set<String> = []

    func publish(_ event: OrderPlaced, idempotencyKey: String) {
        guard received.insert(idempotencyKey).inserted else { return }
        print("received \(event.total)")
    }
}

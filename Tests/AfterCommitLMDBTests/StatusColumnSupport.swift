#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

extension LMDBStorage.Events {
    /// Orders have events. One with a total below zero is refused.
    static let ofOrders = statusColumn(
        orders, key: { (event: OrderPlaced) in UInt64(event.number) },
        rebuild: { id, order in
            guard order.total >= 0 else { throw Refusal() }
            return OrderPlaced(number: Int(id), key: nil, filler: "\(order.total)")
        })
}

func openStatus(
    _ path: String, events: LMDBStorage.Events = .ofOrders, configuration: LMDBStorage.Configuration = .init(),
    clock: FixedWallClock = FixedWallClock()
) throws -> LMDBStorage {
    var configuration = configuration
    configuration.mapReserveBytes = min(configuration.mapReserveBytes, 4 << 30)
    return try LMDBStorage(
        path: path, events: events, configuration: configuration, envelopes: EnvelopeFactory(wallClock: clock))
}

/// Runs `body` with an open store whose orders have events.
func withStatusStorage<R>(
    configuration: LMDBStorage.Configuration = .init(), clock: FixedWallClock = FixedWallClock(),
    _ body: (LMDBStorage) async throws -> R
) async throws -> R {
    try await withStorePath { path in
        let storage = try openStatus(path, configuration: configuration, clock: clock)
        do {
            let result = try await body(storage)
            await storage.close()
            return result
        } catch {
            await storage.close()
            throw error
        }
    }
}

extension LMDBStorage {
    /// Puts orders and emits of each.
    func place(_ numbers: some Sequence<Int>, total: Double = 1, key: String? = nil) async throws {
        let numbers = Array(numbers)
        try await transaction { tx in
            for number in numbers {
                try tx.put(Order(number: number, total: total), for: UInt64(number), in: orders)
                try tx.emit(OrderPlaced(number: number, key: key))
            }
        }
    }

    func status(_ number: UInt64) async throws -> RowStatus? { try await status(of: number, in: orders) }

    func put(_ number: UInt64, total: Double) async throws {
        try await transaction { try $0.put(Order(number: Int(number), total: total), for: number, in: orders) }
    }

    func events(_ batch: ClaimedBatch) throws -> [OrderPlaced] {
        try batch.deliveries.map { try coder.decode(OrderPlaced.self, from: try $0.envelope.bytes(using: coder)) }
    }

    func settle(delivered: [UInt64]) async throws {
        _ = try await settle(SettlementBatch(subscription: "ledger", delivered: delivered))
    }

    func settle(_ delivery: ClaimedDelivery, _ outcome: Settlement.Outcome) async throws {
        _ = try await settle(
            SettlementBatch(
                subscription: "ledger", exceptions: [Settlement(delivery: delivery, outcome: outcome)]))
    }

    func die(_ delivery: ClaimedDelivery, _ history: DeliveryHistory = failed(1)) async throws {
        try await settle(
            delivery,
            .deadLettered(
                DeadLetter(
                    id: DeliveryID(subscription: "ledger", sequence: delivery.sequence), envelope: delivery.envelope,
                    reason: .exhausted, history: history, deadSince: envelopes.wallClock.now(), blocksKey: false)))
    }
}

/// A history of so many failures.
func failed(_ attempts: Int, _ message: String = "no answer") -> DeliveryHistory {
    DeliveryHistory(
        attempts: attempts,
        failures: [
            AttemptFailure(
                attempt: attempts, startedAt: Date(timeIntervalSince1970: 1_800_000_000), duration: 1,
                errorType: "timeout",
                message: message)
        ])
}
#endif

import Foundation

/// The queue of deliveries over rows with a state: claims, releases and ownership, the same for every database.
///
/// What is claimed is known in memory only: claiming writes nothing, and the end of the process releases everything.
package struct RowQueue<Source: DeliveryRowSource>: Sendable {
    package let source: Source
    package let live: LiveRows

    package init(source: Source, live: LiveRows) {
        self.source = source
        self.live = live
    }

    // MARK: Owning

    package func attach(
        _ registrations: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        let generation = try live.begin()
        do {
            let places = try await source.open(registrations)
            guard live.complete(generation: generation, subscriptions: registrations.map(\.name), wake: wake) else {
                throw StorageError(.closed, "the storage was detached while it was being attached")
            }
            return places
        } catch {
            // Unless another attachment holds them now. One that was detached meanwhile may have taken them after that.
            if live.abandon(generation: generation) { source.close() }
            throw error
        }
    }

    package func detach() {
        live.end()
        source.close()
    }

    // MARK: Claiming

    package func claim(_ request: ClaimRequest) async throws -> ClaimedBatch {
        guard let (claims, generation) = live.beginRead(request.subscription) else { return ClaimedBatch() }
        let found: RowsFound
        do {
            found = try await source.find(
                RowRequest(
                    subscription: request.subscription, now: request.now, limit: request.limit,
                    includesNew: request.includesNew, claims: claims))
        } catch {
            _ = live.endRead(request.subscription, generation: generation) { _ in }
            throw error
        }
        let batch = live.endRead(request.subscription, generation: generation) { claims in
            var batch = ClaimedBatch(nextDue: found.nextDue, hasMore: found.hasMore)
            batch.deliveries = found.due.filter { claims.claimException($0.sequence) }
            batch.deliveries += found.new.filter { claims.claimNew($0.sequence) }
            claims.reached(found.reached)
            claims.forgetReleased(found.gone)
            if let first = claims.released.first {
                batch.hasMore = true
                batch.reached = first
            } else {
                batch.reached = claims.handedOut + 1
            }
            return batch
        }
        return batch ?? ClaimedBatch()
    }

    package func claimBlocked(
        subscription: String, orderingKeys: Set<String>, limitPerKey: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        guard let (claims, generation) = live.beginRead(subscription) else { return [:] }
        let found: [String: [ClaimedDelivery]]
        do {
            found = try await source.blocked(subscription, keys: orderingKeys, claims: claims, limit: limitPerKey)
        } catch {
            _ = live.endRead(subscription, generation: generation) { _ in }
            throw error
        }
        return live.endRead(subscription, generation: generation) { claims in
            found.mapValues { deliveries in deliveries.filter { claims.claimException($0.sequence) } }
        } ?? [:]
    }

    package func claim(_ sequences: [UInt64], subscription: String) async throws -> [ClaimedDelivery] {
        guard let (_, generation) = live.beginRead(subscription) else { return [] }
        let found: [RowRead]
        do {
            found = try await source.rows(sequences, subscription: subscription)
        } catch {
            _ = live.endRead(subscription, generation: generation) { _ in }
            throw error
        }
        return live.endRead(subscription, generation: generation) { claims in
            found.filter { row in
                row.isNew
                    ? claims.claimNew(row.delivery.sequence) : claims.claimException(row.delivery.sequence)
            }.map(\.delivery)
        } ?? []
    }

    package func release(_ sequences: [UInt64], subscription: String) {
        live.release(sequences, subscription: subscription)
    }

    // MARK: Settling

    package func settle(_ batch: SettlementBatch) async throws -> SettlementReport {
        guard batch.count > 0 || !batch.emitted.isEmpty else { return SettlementReport() }
        return try await source.settle(batch)
    }
}

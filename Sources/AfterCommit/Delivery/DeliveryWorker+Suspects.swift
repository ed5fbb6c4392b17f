import Foundation

/// How a worker tries what was in flight when the last process died.
extension DeliveryWorker {
    /// Whether the worker may go on as usual: no suspect is left to try, here or elsewhere.
    func passesTrial() async -> Bool {
        switch trial.turn(of: subscription.name) {
        case .over: return true
        case .wait: return false
        case .tryAlone(let suspect):
            if suspectOnTrial != suspect.sequence { await begin(suspect) }
            return false
        }
    }

    private func begin(_ suspect: SubscriptionPlace.Suspect) async {
        let deliveries: [ClaimedDelivery]
        do {
            deliveries = try await storage.claim([suspect.sequence], subscription: subscription.name)
        } catch {
            claimingFailed(error)
            return
        }
        guard let delivery = deliveries.first else {
            // It was settled before the process died, or is a dead letter.
            endTrial(of: suspect.sequence)
            return
        }
        state.claimedBlocked(1)
        suspectOnTrial = suspect.sequence
        if suspect.deaths >= SubscriptionPlace.Suspect.maxDeaths {
            _ = ordering.admit(delivery)
            decide(
                EndedAttempt(
                    delivery: delivery, startedAt: wallClock.now(), duration: .zero,
                    result: .crashLooped(deaths: suspect.deaths), isProbe: false))
            return
        }
        log.triesAlone(delivery, deaths: suspect.deaths)
        journal?.beganAlone(suspect.sequence)
        admit([delivery])
    }

    /// A decision about the suspect was made: the next one may begin.
    func endTrial(of sequence: UInt64) {
        suspectOnTrial = nil
        journal?.cleared(sequence)
        trial.tried(sequence, subscription: subscription.name)
    }
}

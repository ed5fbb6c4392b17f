import Foundation

/// How a worker tries what was in flight when the last process died.
extension DeliveryWorker {
    /// How long a suspect that a gate refused stays out of the others' way.
    private static let postponement = Duration.seconds(1)

    /// Lets deliveries run, suspects only alone; those that are never tried end at once.
    func start(_ deliveries: [ClaimedDelivery]) {
        guard !deliveries.contains(where: \.isUntried) else {
            startReadable(deliveries.filter { !$0.isUntried })
            return endUntried(deliveries.filter(\.isUntried))
        }
        startReadable(deliveries)
    }

    /// Lets deliveries run of which all can be tried.
    func startReadable(_ deliveries: [ClaimedDelivery]) {
        guard !suspects.isEmpty, deliveries.contains(where: { suspects[$0.sequence] != nil }) else {
            return queue.push(deliveries)
        }
        queue.push(deliveries.filter { suspects[$0.sequence] == nil })
        for delivery in deliveries {
            guard let deaths = suspects[delivery.sequence] else { continue }
            if deaths < SubscriptionPlace.Suspect.maxDeaths {
                suspectsReady.append(delivery)
            } else {
                suspects.removeValue(forKey: delivery.sequence)
                decide(
                    EndedAttempt(
                        delivery: delivery, startedAt: wallClock.now(), duration: .zero,
                        result: .crashLooped(deaths: deaths), isProbe: false))
            }
        }
    }

    /// Asks for the next suspect's turn, and lets it run when it has come.
    func trySuspects(now: Duration) {
        guard !suspects.isEmpty else { return trial.poke() }
        if let suspectOnTrial {
            // A gate that refuses it must not hold up the others.
            guard let refused = queue.takeRefused() else { return }
            suspectsReady.append(refused)
            self.suspectOnTrial = nil
            suspectNotBefore = max(queue.standing().gate?.until ?? now, now + Self.postponement)
            journal?.released(suspectOnTrial)
            trial.ended(subscription.name)
            return
        }
        guard let next = nextSuspect(now: now) else {
            trial.withdraw(subscription.name)
            return trial.poke()
        }
        let suspect = SubscriptionPlace.Suspect(sequence: next.sequence, deaths: suspects[next.sequence] ?? 0)
        guard case .begin(let isAlone) = trial.request(suspect, of: subscription.name) else { return }
        suspectOnTrial = next.sequence
        suspectsReady.removeAll { $0.sequence == next.sequence }
        log.triesAlone(next, deaths: suspect.deaths)
        if isAlone { journal?.beganAlone(next.sequence) }
        queue.beginAlone(next)
    }

    private func nextSuspect(now: Duration) -> ClaimedDelivery? {
        guard !suspectsReady.isEmpty, suspectNotBefore.map({ $0 <= now }) ?? true, queue.standing().gate == nil else {
            return nil
        }
        return suspectsReady.min { first, second in
            (suspects[first.sequence] ?? 0, first.sequence) < (suspects[second.sequence] ?? 0, second.sequence)
        }
    }

    /// A decision about a suspect was made, and the process lives: it is none any more.
    func clearSuspect(_ sequence: UInt64) {
        guard suspects.removeValue(forKey: sequence) != nil else { return }
        suspectsReady.removeAll { $0.sequence == sequence }
        journal?.cleared(sequence)
        guard suspectOnTrial == sequence else { return }
        suspectOnTrial = nil
        trial.ended(subscription.name)
    }

    /// Where dead letters of crash loops are stored, nothing need be noted any more. Before that a death would let them go free.
    func clearCrashLoops(_ settled: [Settlement]) {
        guard let journal else { return }
        for settlement in settled {
            guard case .deadLettered(let letter) = settlement.outcome, letter.reason == .crashLoop else { continue }
            journal.cleared(settlement.delivery.sequence)
        }
    }

    /// Takes back suspects that wait, for a cancellation or a shutdown.
    func takeSuspects(_ isWanted: (UInt64) -> Bool) -> [ClaimedDelivery] {
        let taken = suspectsReady.filter { isWanted($0.sequence) }
        suspectsReady.removeAll { isWanted($0.sequence) }
        return taken
    }

    /// The worker ends: others need not wait for its suspects.
    func leaveTrial() {
        trial.ended(subscription.name)
        trial.withdraw(subscription.name)
    }
}

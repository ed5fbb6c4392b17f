import DequeModule
import Foundation

/// What is in it, for those who look.
extension MemoryQueue {
    func counts(subscription name: String) -> DeliveryCounts {
        guard let subscription = subscriptions[name] else { return DeliveryCounts() }
        var counts = subscription.exceptionCounts()
        for sequence in max(firstSequence, subscription.cursor.settledBelow)..<tail
        where !subscription.cursor.isSettled(sequence)
            && subscription.types.contains(log[Int(sequence - firstSequence)].envelope.type)
        {
            counts.pending += 1
            if counts.oldestPending == nil {
                counts.oldestPending = log[Int(sequence - firstSequence)].envelope.time
            }
        }
        return counts
    }

    /// From the subscription's place and the log's end, without looking at the events between.
    func backlog(subscription name: String) -> BacklogEstimate {
        guard let subscription = subscriptions[name] else {
            return BacklogEstimate(DeliveryCounts(), appended: tail - 1)
        }
        var counts = subscription.exceptionCounts()
        counts.pending = subscription.cursor.unsettledCount(below: tail)
        let first = max(firstSequence, subscription.cursor.settledBelow)
        if counts.pending > 0, first < tail {
            counts.oldestPending = log[Int(first - firstSequence)].envelope.time
        }
        return BacklogEstimate(counts, appended: tail - 1)
    }

    func deliveries(_ query: DeliveryQuery) -> [DeliveryRecord] {
        let chosen = subscriptions.values
            .filter { query.subscription == nil || $0.name == query.subscription }
            .sorted { $0.name < $1.name }
        let after = query.after ?? 0
        var kept: Set<UInt64> = []
        for subscription in chosen {
            kept.formUnion(subscription.exceptions.keys)
            kept.formUnion(subscription.deadLetters.keys)
        }
        let trimmed = kept.filter { $0 < firstSequence && $0 > after }.sorted()
        let first = after < tail ? max(firstSequence, after + 1) : tail
        var records: [DeliveryRecord] = []
        for sequence in trimmed + Array(first..<max(first, tail)) where records.count < query.limit {
            let logged = sequence >= firstSequence ? log[Int(sequence - firstSequence)].envelope : nil
            for subscription in chosen {
                if let record = subscription.record(sequence, logged: logged),
                    query.matches(record.envelope),
                    query.state == nil || query.state == record.state
                {
                    records.append(record)
                }
            }
        }
        return records
    }

    func deadLetters(_ query: DeadLetterQuery) -> [DeadLetter] {
        let letters = subscriptions.values
            .filter { query.subscription == nil || $0.name == query.subscription }
            .flatMap(\.deadLetters.values)
            .filter { query.matches($0) }
            .filter { letter in
                query.after.map { ($0.sequence, $0.subscription) < (letter.id.sequence, letter.id.subscription) }
                    ?? true
            }
            .sorted { ($0.id.sequence, $0.id.subscription) < ($1.id.sequence, $1.id.subscription) }
        return Array(letters.prefix(max(0, query.limit)))
    }
}

#if Kafka
import AfterCommit
import CRDKafka
import Logging

extension KafkaConsumer {
    /// Takes what the group gives, and lets go what it takes away.
    func rebalance(_ event: borrowing KafkaEvent) throws(KafkaError) {
        guard let handle else { return }
        let list = event.partitions
        let places = list?.places ?? []
        switch event.response {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            for place in places {
                try handle.route(place)
                assignment.assign(place)
            }
            if let list { try handle.assign(list) }
            logger.debug("partitions were assigned", metadata: [LogKey.count: "\(places.count)"])
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            // One that is given again goes on.
            try handle.resume(assignment.paused(of: places))
            for place in places { assignment.revoke(place) }
            if rd_kafka_assignment_lost(handle.pointer) != 0 {
                logger.warning(
                    "partitions were lost; what was out of them goes to other members",
                    metadata: [LogKey.count: "\(places.count)"])
            } else {
                logger.debug("partitions were revoked", metadata: [LogKey.count: "\(places.count)"])
            }
            try handle.unassign(list)
        default:
            try handle.resume(assignment.paused(of: assignment.places))
            assignment.revokeAll()
            try handle.unassign(nil)
            logger.warning("the group could not be shared out", metadata: [LogKey.error: "\(event.error)"])
        }
    }

    /// Leaves the group after a last commit, and ends the client and that of the dead letters, all within `patience`.
    nonisolated func close(patience: Duration) async {
        let end = time.now() + patience
        let timer = Task {
            // Only the end of this task wakes it early.
            try? await time.sleep(until: end)
            await expire()
        }
        let deadLetters = await leave()
        timer.cancel()
        await deadLetters?.close(patience: max(.zero, end - time.now()))
        thread.stop()
        await thread.end()
    }

    private func leave() async -> KafkaProducer? {
        turnAwayAll()
        if isMember, let handle {
            do throws(KafkaError) {
                try handle.startClosing()
                await withCheckedContinuation { continuation in
                    closeWaiter.map { $0.resume() }
                    closeWaiter = continuation
                    endIfClosed()
                }
            } catch {
                logger.notice("the Kafka consumer does not leave its group", metadata: [LogKey.error: "\(error)"])
            }
        }
        assignment.revokeAll()
        handle?.destroy()
        handle = nil
        defer { deadLetters = nil }
        return deadLetters
    }

    private func expire() {
        guard let closeWaiter else { return }
        logger.notice("the Kafka consumer could not leave its group in time; what was settled last may come again")
        self.closeWaiter = nil
        closeWaiter.resume()
    }

    func endIfClosed() {
        guard let closeWaiter, let handle, handle.isClosed else { return }
        self.closeWaiter = nil
        closeWaiter.resume()
    }
}
#endif

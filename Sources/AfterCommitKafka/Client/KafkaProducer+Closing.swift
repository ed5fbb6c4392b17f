#if Kafka
import AfterCommit
import CRDKafka

extension KafkaProducer {
    /// Waits for the reports of what was sent, but not for longer than `patience`, and ends the client.
    nonisolated func close(patience: Duration) async {
        let timer = Task {
            // Only the end of this task wakes it early.
            try? await time.sleep(until: time.now() + patience)
            await expire()
        }
        await drain()
        timer.cancel()
        thread.stop()
        await thread.end()
    }

    private func drain() async {
        isClosing = true
        await withCheckedContinuation { continuation in
            closeWaiter.map { $0.resume() }
            closeWaiter = continuation
            endIfIdle()
        }
        handle?.destroy()
        handle = nil
    }

    private func expire() {
        for batch in line.removeAll() { finish(ledger.end(batch, .closed)) }
        for completion in ledger.endAll(.closed) { finish(completion) }
        endIfIdle()
    }

    func endIfIdle() {
        guard isClosing, ledger.isEmpty, let closeWaiter else { return }
        self.closeWaiter = nil
        closeWaiter.resume()
    }

    // MARK: Tests

    /// Lets the client fail as if the brokers had made it (librdkafka, `rd_kafka_test_fatal_error`).
    func failFatally(_ error: rd_kafka_resp_err_t) -> Bool {
        guard let handle else { return false }
        return rd_kafka_test_fatal_error(handle.pointer, error, "asked for by a test") == RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// How many messages the client has.
    var countInClient: Int { inClient }

    /// Whether no broker can be reached.
    var isAway: Bool { presence.absence != nil }
    var mayBeAway: Bool { presence.isDoubtful }
}
#endif

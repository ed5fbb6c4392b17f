import Logging

extension DirectConsumer {
    /// Handles it, and what waits behind it under its key.
    func run(_ first: KeyedLanes.Job) async {
        var next: KeyedLanes.Job? = first
        while let job = next {
            await attempt(job)
            next = lanes.ended(job)
        }
        room?.resume()
        room = nil
    }

    /// Tries until it is handled, rejected or called off.
    private func attempt(_ job: KeyedLanes.Job) async {
        var tries = DirectDecision.Tries()
        while !Task.isCancelled {
            do {
                if try await handle(job.envelope, context(of: job, attempt: tries.charged + 1)) {
                    totals.taken += 1
                } else {
                    totals.duplicates += 1
                }
                return await accept(job)
            } catch {
                // A shutdown: the broker gives it out again.
                if Task.isCancelled { return }
                log.attemptFailed(error, event: job.envelope.id)
                switch DirectDecision.decide(error, tries: tries, policy: policy, random: &random) {
                case .accepted: return await accept(job)
                case .rejected(let reason): return await reject(lanes.settle(job), reason)
                case .retry(let delay, let isCharged):
                    tries.charged += isCharged ? 1 : 0
                    tries.free = isCharged ? 0 : tries.free + 1
                    guard (try? await time.sleep(until: time.now() + delay)) != nil else { return }
                }
            }
        }
    }

    private func context(of job: KeyedLanes.Job, attempt: Int) -> DirectContext {
        var logger = logger
        logger[metadataKey: LogKey.eventID] = "\(job.envelope.id)"
        logger[metadataKey: LogKey.consumer] = "\(name)"
        return DirectContext(
            envelope: job.envelope, attempt: attempt, maxAttempts: policy.maxAttempts,
            idempotencyKey: "\(job.envelope.id)/\(name)", redeliveries: job.redeliveries, logger: logger)
    }

    // MARK: Settling

    private func accept(_ job: KeyedLanes.Job) async {
        await settle(lanes.settle(job).map { MessageSettlement($0, .accepted) })
    }

    func reject(_ receipts: [IncomingMessage.Receipt], _ reason: String) async {
        log.rejected(reason)
        rejections += 1
        await settle(receipts.map { MessageSettlement($0, .rejected(reason: reason)) })
    }

    /// What comes while the broker is told of others is told together.
    private func settle(_ ended: [MessageSettlement]) async {
        settlements += ended
        guard !isSettling else { return }
        isSettling = true
        while !settlements.isEmpty {
            let (batch, rejected) = (settlements, rejections)
            settlements = []
            rejections = 0
            do {
                try await source.settle(batch)
                totals.rejected += rejected
            } catch {
                log.settlingFailed(error, count: batch.count)
                // What was not settled may be given out again at once, and fail at once.
                hasFailedToSettle = true
            }
        }
        isSettling = false
    }
}

/// How an engine is waited for.
extension EventEngine {
    /// Delivers until nothing is left that could be delivered: waits for retries and parked deliveries,
    /// and for what handlers emit meanwhile. Dead letters, what waits behind them, and what is paused stay.
    /// So does what another server's engine has claimed, until its lease is over.
    ///
    /// It works beside ``run()``, and without it, as in a test.
    /// - Throws: `CancellationError` when cancelled; ``EngineError`` with `alreadyRan` once the engine has ended.
    /// - Parameter includingDelayed: waits for delayed events too, until none is left; on a manual clock, advance it meanwhile.
    public func drain(includingDelayed: Bool = false) async throws {
        while let drainTask { _ = await drainTask.result }
        try Task.checkCancellation()
        switch phase {
        case .running, .draining:
            try await wait(for: .drained, includingDelayed: includingDelayed)
        case .ended:
            throw Self.ended
        case .ready:
            phase = .draining
            let task = Task { try await drainOnItsOwn(includingDelayed: includingDelayed) }
            drainTask = task
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    func drainOnItsOwn(includingDelayed: Bool) async throws {
        defer { drainTask = nil }
        start()
        let result: Result<Void, any Error>
        do {
            try await wait(for: .drained, includingDelayed: includingDelayed)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for worker in workers { worker.stop(grace: configuration.shutdownGracePeriod) }
        for task in tasks { await task.value }
        await stopCompanions()
        detach()
        do {
            try await makeWorkers()
            phase = .ready
        } catch {
            // Another owner was quicker: this engine delivers no more.
            phase = .ended
            throw error
        }
        try result.get()
    }

    /// Waits until nothing can go on before time passes or something new is emitted: what a test waits for
    /// between two moves of its clock. Before ``run()`` has begun it waits for that too.
    /// - Throws: `CancellationError` when cancelled.
    public func waitUntilIdle() async throws {
        try await wait(for: .idle)
    }

    private func wait(for condition: DeliveryWorker.Condition, includingDelayed: Bool = false) async throws {
        // A handler may emit for a worker that was done already: only a second, quiet round proves the end.
        var before: [Int]?
        while true {
            var activity: [Int] = [try await delayed.settle(untilEmpty: includingDelayed)]
            for worker in workers {
                let active = await worker.wait(for: condition)
                try Task.checkCancellation()
                guard let active else { throw await worker.failure ?? Self.ended }
                activity.append(active)
            }
            if activity == before { return }
            before = activity
        }
    }
}

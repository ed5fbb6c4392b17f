/// What can be changed at run time. Nothing of it is stored: another engine starts as its code says.
extension EventEngine {
    /// Lets nothing of a subscription begin until ``resume(_:)``. Running attempts end normally, and no attempt is charged.
    ///
    /// Its deliveries wait, parked as ``ParkReason/paused``. A paused subscription is idle; ``drain(includingDelayed:)`` does not wait for it.
    /// - Throws: ``EngineError`` with `unknownSubscription`.
    public func pause(_ subscription: String) throws {
        _ = try worker(of: subscription)
        control.pausedSubscriptions.insert(subscription)
        applyPauses()
    }

    /// Lets a subscription go on, unless its endpoint is paused too.
    /// - Throws: ``EngineError`` with `unknownSubscription`.
    public func resume(_ subscription: String) throws {
        _ = try worker(of: subscription)
        control.pausedSubscriptions.remove(subscription)
        applyPauses()
    }

    /// Pauses all subscriptions of an endpoint.
    /// - Throws: ``EngineError`` with `unknownEndpoint`.
    public func pause(endpoint: String) throws {
        try checkEndpoint(endpoint)
        control.pausedEndpoints.insert(endpoint)
        applyPauses()
    }

    /// Lets the subscriptions of an endpoint go on, but those that were paused by their own names.
    /// - Throws: ``EngineError`` with `unknownEndpoint`.
    public func resume(endpoint: String) throws {
        try checkEndpoint(endpoint)
        control.pausedEndpoints.remove(endpoint)
        applyPauses()
    }

    /// An endpoint's receiver wants nothing more: it is paused as if a person had done it.
    func endpointIsGone(_ endpoint: String) {
        control.pausedEndpoints.insert(endpoint)
        applyPauses()
    }

    /// Changes how many attempts of a subscription run at once: more at once, fewer as running ones end.
    /// - Throws: ``EngineError`` with `unknownSubscription`, or `invalidConfiguration` for less than 1.
    public func resize(_ subscription: String, concurrency: Int) async throws {
        let worker = try worker(of: subscription)
        guard concurrency > 0 else {
            throw EngineError(
                .invalidConfiguration,
                "concurrency of \(subscription) is \(concurrency); it must be at least 1, and `pause` stops it")
        }
        control.concurrency[subscription] = concurrency
        await worker.resize(concurrency)
    }

    /// Gives new workers what was changed before they were made.
    func applyControl() async {
        applyPauses()
        for worker in workers {
            if let concurrency = control.concurrency[worker.subscription.name] { await worker.resize(concurrency) }
        }
    }

    private func applyPauses() {
        for worker in workers {
            let subscription = worker.subscription
            let isPaused = control.isPaused(subscription: subscription.name, endpoint: subscription.endpoint.name)
            guard isPaused != worker.queue.isPaused else { continue }
            if isPaused { worker.queue.pause() } else { worker.queue.resume() }
        }
    }

    private func worker(of subscription: String) throws(EngineError) -> DeliveryWorker {
        if let worker = workers.first(where: { $0.subscription.name == subscription }) { return worker }
        throw EngineError(
            .unknownSubscription,
            "no subscription is named \(subscription.debugDescription); `status()` lists those there are")
    }

    private func checkEndpoint(_ endpoint: String) throws(EngineError) {
        guard workers.contains(where: { $0.subscription.endpoint.name == endpoint }) else {
            throw EngineError(
                .unknownEndpoint, "no endpoint is named \(endpoint.debugDescription); `status()` lists those there are")
        }
    }
}

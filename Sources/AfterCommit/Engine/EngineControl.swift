/// What an operator has changed since the engine was made. A pure value.
struct EngineControl: Sendable {
    var pausedSubscriptions: Set<String> = []
    var pausedEndpoints: Set<String> = []
    var concurrency: [String: Int] = [:]

    /// A subscription and its endpoint are paused apart: it runs when neither is.
    func isPaused(subscription: String, endpoint: String) -> Bool {
        pausedSubscriptions.contains(subscription) || pausedEndpoints.contains(endpoint)
    }
}

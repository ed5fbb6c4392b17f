/// The metadata keys of every log line of the engine.
package enum LogKey {
    package static let eventID = "event.id"
    package static let eventType = "event.type"
    package static let orderingKey = "event.ordering_key"
    package static let subscription = "subscription"
    package static let endpoint = "endpoint"
    package static let attempt = "delivery.attempt"
    package static let maxAttempts = "delivery.max_attempts"
    package static let due = "delivery.due"
    package static let reason = "delivery.reason"
    package static let errorType = "error.type"
    package static let errorStatus = "error.status"
    package static let storage = "storage"
    package static let deaths = "process.deaths"
    package static let count = "count"
    package static let error = "error.message"
    package static let breaker = "breaker.state"
}

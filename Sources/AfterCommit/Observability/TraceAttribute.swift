/// OpenTelemetry's names for messaging (semantic conventions, in development).
enum TraceAttribute {
    static let system = "messaging.system"
    static let systemName = "aftercommit"
    static let operationName = "messaging.operation.name"
    static let operationType = "messaging.operation.type"
    static let destination = "messaging.destination.name"
    static let subscription = "messaging.destination.subscription.name"
    static let batchCount = "messaging.batch.message_count"
    static let messageID = "messaging.message.id"
    static let errorType = "error.type"
    static let resendCount = "http.request.resend_count"
}

extension AttemptResult {
    /// OpenTelemetry's `error.type`: `nil` for an attempt that succeeded or asked for something else.
    var errorType: String? {
        switch self {
        case .failed(let failure, _), .refusedRoom(let failure), .rejected(let failure), .malformed(let failure),
            .unknown(let failure):
            failure.errorType
        case .cancelled: "cancelled"
        case .crashLooped: "crashLoop"
        case .leaseLost: "leaseLost"
        case .damaged: "damaged"
        case .succeeded, .emitted, .settled, .discarded, .gone, .snoozed, .released: nil
        }
    }
}

extension AttemptResult.Failure {
    /// What an error is called in logs, spans and metrics.
    static func errorType(of error: any Error) -> String {
        (error as? any DeliveryFailureDescribing)?.failureType ?? String(describing: Swift.type(of: error))
    }
}

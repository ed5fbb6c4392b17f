import Instrumentation
package import Tracing

/// The spans of OpenTelemetry's messaging conventions: `send` where an event is emitted, `process` for each attempt, linked
/// to it, and `settle` where outcomes are recorded.
///
/// A worker looks for its tracer once, when it is made, because asking for the system's takes a lock: bootstrap it before
/// the engine is made.
package struct EventTracing: Sendable {
    private let tracer: any Tracer
    private let instrument: any Instrument

    /// - Parameter tracer: an injected one, `nil` for the system's.
    /// - Returns: `nil` where no tracer is at work.
    package init?(_ tracer: (any Tracer)?) {
        let chosen = tracer ?? InstrumentationSystem.tracer
        guard !(chosen is NoOpTracer) else { return nil }
        self.tracer = chosen
        instrument = tracer ?? InstrumentationSystem.instrument
    }

    // MARK: Sending

    /// Carries the context of the trace that emits in the event's headers, as W3C Trace Context names it.
    ///
    /// A context without a span to make, as one that only carries baggage, is injected as it is.
    static func injectingSend(
        of type: EventType, id: EventID, into headers: [String: String], tracer: (any Tracer)?
    ) -> [String: String] {
        guard let context = ServiceContext.current else { return headers }
        let span = (tracer ?? InstrumentationSystem.tracer).startAnySpan(
            "send \(type)", context: context, ofKind: .producer)
        span.attributes = attributes(operation: "send", type: type)
        span.attributes[TraceAttribute.messageID] = id.description
        defer { span.end() }
        var headers = headers
        (tracer ?? InstrumentationSystem.instrument).inject(span.context, into: &headers, using: HeaderInjector())
        return headers
    }

    // MARK: Attempts

    /// Begins the span of an attempt. The attempt's deadline runs already: the span holds what interceptors and handler do.
    func beginProcess(_ envelope: Envelope, subscription: String, attempt: Int) -> any Span {
        let span = tracer.startAnySpan(
            "process \(envelope.type)", context: ServiceContext.topLevel, ofKind: .consumer)
        span.attributes = Self.attributes(operation: "process", type: envelope.type)
        span.attributes[TraceAttribute.messageID] = envelope.id.description
        span.attributes[TraceAttribute.subscription] = subscription
        if attempt > 1 { span.attributes[TraceAttribute.resendCount] = attempt - 1 }
        var emitted = ServiceContext.topLevel
        instrument.extract(envelope.headers, into: &emitted, using: HeaderExtractor())
        if !emitted.isEmpty { span.addLink(SpanLink(context: emitted, attributes: [:])) }
        return span
    }

    /// Ends the span of an attempt when its handler has ended: late, for one that was given up before, and never for a
    /// handler that never ends. The metrics and the log tell of those when the deadline passes.
    /// - Parameter givenUp: why its result counts no more, if so.
    static func endProcess(_ span: any Span, result: AttemptResult, givenUp: String?) {
        end(span, errorType: givenUp ?? result.errorType)
    }

    // MARK: Settling

    /// Begins the span of a settlement.
    func beginSettle(subscription: String, count: Int) -> any Span {
        let span = tracer.startAnySpan("settle", context: ServiceContext.topLevel, ofKind: .client)
        span.attributes[TraceAttribute.system] = TraceAttribute.systemName
        span.attributes[TraceAttribute.operationName] = "settle"
        span.attributes[TraceAttribute.operationType] = "settle"
        span.attributes[TraceAttribute.subscription] = subscription
        span.attributes[TraceAttribute.batchCount] = count
        return span
    }

    static func endSettle(_ span: any Span, error: (any Error)?) {
        end(span, errorType: error.map(AttemptResult.Failure.errorType(of:)))
    }

    private static func end(_ span: any Span, errorType: String?) {
        if let errorType {
            span.attributes[TraceAttribute.errorType] = errorType
            span.setStatus(SpanStatus(code: .error))
        }
        span.end()
    }

    private static func attributes(operation: String, type: EventType) -> SpanAttributes {
        var attributes = SpanAttributes()
        attributes[TraceAttribute.system] = TraceAttribute.systemName
        attributes[TraceAttribute.operationName] = operation
        attributes[TraceAttribute.operationType] = operation
        attributes[TraceAttribute.destination] = type.rawValue
        return attributes
    }
}

private struct HeaderInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key.lowercased()] = value
    }
}

private struct HeaderExtractor: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? {
        carrier[key.lowercased()]
    }
}

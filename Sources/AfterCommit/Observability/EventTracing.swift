import Instrumentation
import Tracing

/// The spans of OpenTelemetry's messaging conventions: `send` where an event is emitted, `process` for each attempt, linked
/// to it, and `settle` where outcomes are recorded.
package enum EventTracing {
    /// Carries the context of the trace that emits in the event's headers, as W3C Trace Context names it.
    ///
    /// A context without a span to make, as one that only carries baggage, is injected as it is.
    static func injectingSend(
        of type: EventType, id: EventID, into headers: [String: String]
    ) -> [String: String] {
        guard let context = ServiceContext.current else { return headers }
        let span = InstrumentationSystem.tracer.startAnySpan(
            "send \(type)", context: context, ofKind: .producer)
        span.attributes = attributes(operation: "send", type: type)
        span.attributes[TraceAttribute.messageID] = id.description
        defer { span.end() }
        var headers = headers
        InstrumentationSystem.instrument.inject(
            span.context, into: &headers, using: HeaderInjector())
        return headers
    }

    /// Begins the span of an attempt, where a tracer is at work; `nil` otherwise.
    static func beginProcess(_ envelope: Envelope, subscription: String, attempt: Int) -> (any Span)? {
        let tracer = InstrumentationSystem.tracer
        guard !(tracer is NoOpTracer) else { return nil }
        let span = tracer.startAnySpan(
            "process \(envelope.type)", context: ServiceContext.topLevel, ofKind: .consumer)
        span.attributes = attributes(operation: "process", type: envelope.type)
        span.attributes[TraceAttribute.messageID] = envelope.id.description
        span.attributes[TraceAttribute.subscription] = subscription
        if attempt > 1 { span.attributes[TraceAttribute.resendCount] = attempt - 1 }
        var emitted = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(
            envelope.headers, into: &emitted, using: HeaderExtractor())
        span.addLink(SpanLink(context: emitted, attributes: [:]))
        return span
    }

    static func end(_ span: any Span, failure: AttemptResult.Failure?) {
        if let failure {
            span.attributes[TraceAttribute.errorType] = failure.errorType
            span.setStatus(SpanStatus(code: .error))
        }
        span.end()
    }

    /// Begins the span of a settlement, where a tracer is at work.
    static func beginSettle(subscription: String, count: Int) -> (any Span)? {
        let tracer = InstrumentationSystem.tracer
        guard !(tracer is NoOpTracer) else { return nil }
        let span = tracer.startAnySpan(
            "settle \(subscription)", context: ServiceContext.topLevel, ofKind: .client)
        span.attributes[TraceAttribute.system] = TraceAttribute.systemName
        span.attributes[TraceAttribute.operationName] = "settle"
        span.attributes[TraceAttribute.operationType] = "settle"
        span.attributes[TraceAttribute.subscription] = subscription
        span.attributes[TraceAttribute.batchCount] = count
        return span
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

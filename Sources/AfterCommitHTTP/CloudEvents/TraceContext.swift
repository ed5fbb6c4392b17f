#if HTTP
import AfterCommit
import Instrumentation
import ServiceContextModule

/// The W3C trace context of one attempt.
struct TraceContext {
    /// The application's own, which knows its trace format.
    var instrument: any Instrument = InstrumentationSystem.instrument

    /// The trace of this attempt, or the one that emitted the event where nobody traces attempts.
    func headers(for envelope: Envelope) -> [String: String] {
        var carrier: [String: String] = [:]
        if let current = ServiceContext.current {
            instrument.inject(current, into: &carrier, using: CarrierInjector())
        }
        guard carrier.isEmpty else { return carrier }
        return envelope.headers.filter { ["traceparent", "tracestate"].contains($0.key) }
    }
}

private struct CarrierInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key.lowercased()] = value
    }
}
#endif

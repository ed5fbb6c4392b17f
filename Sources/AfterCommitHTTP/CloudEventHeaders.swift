#if HTTP
import AfterCommit
import Foundation
import Instrumentation
import NIOHTTP1
import ServiceContextModule

/// The request headers of one attempt: CloudEvents 1.0 HTTP binding, binary mode, with trace context and idempotency key.
struct CloudEventHeaders {
    let configuration: HTTPEventSinkConfiguration
    /// The application's own, which knows its trace format.
    var instrument: any Instrument = InstrumentationSystem.instrument

    func callAsFunction(_ context: DeliveryContext) -> HTTPHeaders {
        let envelope = context.envelope
        var headers = HTTPHeaders(configuration.headers.map { ($0.key.lowercased(), $0.value) })
        addTraceContext(of: envelope, to: &headers)
        // Extensions first: one that is named like an attribute must not take its place.
        for (name, value) in envelope.headers {
            headers.replaceOrAdd(name: "ce-\(name)", value: HeaderValue.cloudEvent(value))
        }
        func set(_ attribute: String, _ value: String) {
            headers.replaceOrAdd(name: "ce-\(attribute)", value: HeaderValue.cloudEvent(value))
        }
        set("specversion", "1.0")
        set("id", envelope.id.description)
        set("source", configuration.source ?? envelope.source)
        set("type", configuration.eventTypePrefix.map { "\($0).\(envelope.type)" } ?? envelope.type.rawValue)
        set("time", CivilDate.rfc3339(envelope.time))
        if let key = envelope.orderingKey {
            set("subject", key)
            set("partitionkey", key)
        }
        // As digits of one length, so that it sorts as text.
        let sequence = String(context.delivery.sequence)
        set("sequence", String(repeating: "0", count: max(0, 20 - sequence.count)) + sequence)
        // The content type has a header of its own (HTTP binding, section 3.1.1), an extension cannot change that.
        headers.remove(name: "ce-datacontenttype")
        headers.replaceOrAdd(name: "content-type", value: envelope.contentType)
        headers.replaceOrAdd(name: "idempotency-key", value: HeaderValue.structuredString(context.idempotencyKey))
        return headers
    }

    /// The trace of this attempt, or the one that emitted the event where nobody traces attempts.
    private func addTraceContext(of envelope: Envelope, to headers: inout HTTPHeaders) {
        var carrier: [String: String] = [:]
        if let current = ServiceContext.current {
            instrument.inject(current, into: &carrier, using: CarrierInjector())
        }
        if carrier.isEmpty {
            carrier = envelope.headers.filter { ["traceparent", "tracestate"].contains($0.key) }
        }
        for (name, value) in carrier { headers.replaceOrAdd(name: name, value: value) }
    }
}

private struct CarrierInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key.lowercased()] = value
    }
}
#endif

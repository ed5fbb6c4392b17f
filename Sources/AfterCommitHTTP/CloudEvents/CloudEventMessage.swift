#if HTTP
import AfterCommit
import Foundation
import NIOHTTP1

/// The request of one attempt: CloudEvents 1.0 over HTTP, with trace context, idempotency key and signatures.
struct CloudEventMessage {
    private(set) var headers: HTTPHeaders
    let body: Data

    /// - Throws: ``InvalidExtensionName``.
    init(
        _ payload: Data, _ context: DeliveryContext, configuration: HTTPEventSinkConfiguration,
        trace: TraceContext = TraceContext()
    ) throws(InvalidExtensionName) {
        let event = CloudEvent(
            OutgoingEvent(payload: payload, context: context),
            naming: CloudEventNaming(typePrefix: configuration.eventTypePrefix, source: configuration.source))
        // Binary mode cannot send other names, and an event must not depend on the mode.
        if let name = event.attributes.first(where: { !HeaderValue.isToken($0.name) })?.name {
            throw InvalidExtensionName(name: name)
        }
        headers = HTTPHeaders(configuration.headers.map { ($0.key.lowercased(), $0.value) })
        for (name, value) in trace.headers(for: context.envelope) { headers.replaceOrAdd(name: name, value: value) }
        headers.replaceOrAdd(name: "idempotency-key", value: HeaderValue.structuredString(context.idempotencyKey))

        switch configuration.contentMode {
        case .binary:
            body = payload
            headers.replaceOrAdd(name: "content-type", value: context.envelope.contentType)
            for attribute in event.attributes {
                headers.replaceOrAdd(name: "ce-\(attribute.name)", value: HeaderValue.cloudEvent(attribute.value))
            }
        case .structured:
            body = event.structured()
            headers.replaceOrAdd(name: "content-type", value: CloudEvent.structuredContentType)
        }
        guard !configuration.webhookSecrets.isEmpty else { return }
        let signed = WebhookSigner(secrets: configuration.webhookSecrets).headers(
            id: context.eventID.description, timestamp: configuration.wallClock.now(), body: body)
        for (name, value) in signed { headers.replaceOrAdd(name: name, value: value) }
    }
}

/// An extension attribute whose name no header can have.
struct InvalidExtensionName: Error, CustomStringConvertible {
    let name: String
    var description: String {
        "the event's header \(JSONText.quoted(name)) has a name that HTTP does not allow; use a-z and 0-9"
    }
}
#endif

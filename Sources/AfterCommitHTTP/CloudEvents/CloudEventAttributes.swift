#if HTTP
import AfterCommit

/// The attributes of one event as a receiver gets them, in either mode of CloudEvents 1.0.
struct CloudEventAttributes {
    /// In a fixed order, each name once, `datacontenttype` excepted.
    private(set) var values: [(name: String, value: String)] = []

    init(_ context: DeliveryContext, configuration: HTTPEventSinkConfiguration) {
        let envelope = context.envelope
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
        // An extension that is named like an attribute must not take its place; the content type and the data have
        // places of their own.
        var taken = Set(values.map(\.name)).union(["datacontenttype", "data", "data_base64"])
        for (name, value) in envelope.headers.sorted(by: { $0.key < $1.key }) {
            let name = name.lowercased()
            if taken.insert(name).inserted { set(name, value) }
        }
    }

    private mutating func set(_ name: String, _ value: String) {
        values.append((name, value))
    }
}
#endif

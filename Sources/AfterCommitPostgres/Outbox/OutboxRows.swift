#if Postgres
import AfterCommit
import Foundation

/// Many events as the parallel arrays that one INSERT takes.
struct OutboxRows {
    private var ids: [UUID] = []
    private var aggregateTypes: [String] = []
    private var aggregateIDs: [String] = []
    private var types: [String] = []
    private var payloads: [String?] = []
    private var payloadBytes: [Data?] = []
    private var sources: [String] = []
    private var times: [Int64] = []
    private var schemaVersions: [Int64] = []
    private var orderingKeys: [String?] = []
    private var headers: [String] = []
    private var contentTypes: [String] = []
    private var deliverAt: [Int64] = []

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    /// - Parameter isDelayed: whether their moments are stored too.
    init(_ emissions: some Sequence<Emission>, isDelayed: Bool = false, coder: any EventCoder) throws {
        for emission in emissions {
            try append(emission, coder: coder)
            if isDelayed, let date = emission.deliverAt { deliverAt.append(date.microseconds) }
        }
    }

    private mutating func append(_ emission: Emission, coder: any EventCoder) throws {
        let row = try OutboxRow(emission.envelope, coder: coder)
        ids.append(row.id)
        aggregateTypes.append(row.aggregateType)
        aggregateIDs.append(row.aggregateID)
        types.append(row.type)
        payloads.append(row.payload)
        payloadBytes.append(row.payloadBytes)
        sources.append(row.source)
        times.append(row.time.microseconds)
        schemaVersions.append(Int64(row.schemaVersion))
        orderingKeys.append(row.orderingKey)
        headers.append(row.headers)
        contentTypes.append(row.contentType)
    }

    /// As the parameters of ``OutboxStatement/insertEvents``, or with dates of ``OutboxStatement/insertDelayed``.
    var parameters: [PostgresValue] {
        var parameters: [PostgresValue] = [
            .uuids(ids), .texts(aggregateTypes), .texts(aggregateIDs), .texts(types), .texts(payloads),
            .bytesArray(payloadBytes), .texts(sources), .int64s(times), .int64s(schemaVersions), .texts(orderingKeys),
            .texts(headers), .texts(contentTypes),
        ]
        if !deliverAt.isEmpty { parameters.append(.int64s(deliverAt)) }
        return parameters
    }
}

extension Date {
    /// Since 1970, within what PostgreSQL's timestamps hold. An event that is delayed for longer is kept for ever.
    var microseconds: Int64 {
        let microseconds = (timeIntervalSince1970 * 1_000_000).rounded()
        return Int64(min(max(microseconds, -2e17), 9e18))
    }
}
#endif

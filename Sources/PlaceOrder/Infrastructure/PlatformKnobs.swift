#if Example
import HTTPTypes

/// How the mock data platform misbehaves.
struct PlatformKnobs: Sendable, Equatable {
    enum Status: String, Codable, Sendable {
        case up
        case down
    }

    /// How long it takes for each event.
    var latency: Duration = .zero
    /// The share of requests that fail with 500, each on its own.
    var errorRate = 0.0
    /// Down: it answers 503.
    var status = Status.up
    /// It answers 503 in this time, counted from its start.
    var outage: Range<Duration>?
    /// It answers 429.
    var tooManyRequests = false
    /// Seconds for the header Retry-After of 429 and 503.
    var retryAfter: Int?
}

/// The knobs in JSON. What a change leaves out stays as it is.
struct PlatformKnobsBody: Codable {
    /// Such as `25ms`.
    var latency: String?
    var errorRate: Double?
    var status: PlatformKnobs.Status?
    var tooManyRequests: Bool?
    var retryAfter: Int?

    init(_ knobs: PlatformKnobs) {
        latency = DurationText.text(knobs.latency)
        errorRate = knobs.errorRate
        status = knobs.status
        tooManyRequests = knobs.tooManyRequests
        retryAfter = knobs.retryAfter
    }

    /// - Throws: ``Problem`` 422 for a value no knob has.
    func applied(to knobs: PlatformKnobs) throws(Problem) -> PlatformKnobs {
        var knobs = knobs
        if let latency {
            guard let duration = DurationText.duration(latency) else {
                throw Problem(.unprocessableContent, "latency is a duration such as 25ms or 2s")
            }
            knobs.latency = duration
        }
        if let errorRate {
            guard (0...1).contains(errorRate) else {
                throw Problem(.unprocessableContent, "errorRate is a probability from 0 to 1")
            }
            knobs.errorRate = errorRate
        }
        if let retryAfter {
            guard (0...86_400).contains(retryAfter) else {
                throw Problem(.unprocessableContent, "retryAfter is 0 to 86,400 seconds")
            }
            knobs.retryAfter = retryAfter
        }
        knobs.status = status ?? knobs.status
        knobs.tooManyRequests = tooManyRequests ?? knobs.tooManyRequests
        return knobs
    }
}
#endif

/// Lets an endpoint that has just come back warm up: one attempt at a time, twice as many after each success, until
/// there is nothing to limit. A pure value.
package struct SlowStart: Sendable, Equatable {
    /// Beyond this many at once there is no limit any more.
    package static let end = 1024

    package private(set) var limit = 1
    private var running = 0

    package init() {}

    package var isOver: Bool { limit >= Self.end }
    package var hasRoom: Bool { running < limit }

    package mutating func began() {
        running += 1
    }

    /// An attempt has ended. One that began before the slow start may end too: it frees no more than there was.
    package mutating func ended(_ report: EndpointState.Report) {
        running = max(0, running - 1)
        switch report {
        case .up: limit = min(Self.end, limit * 2)
        case .failed: limit = max(1, limit / 2)
        case .unknown: break
        }
    }
}

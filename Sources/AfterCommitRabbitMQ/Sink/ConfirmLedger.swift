#if RabbitMQ
import AfterCommit

/// Where a message is published to, and how it comes back.
struct MessageRoute: Sendable, Equatable {
    let exchange: String
    let routingKey: String

    /// By bytes, as the broker does: texts count as equal in Swift that are composed differently.
    static func == (one: Self, other: Self) -> Bool {
        one.routingKey.utf8.elementsEqual(other.routingKey.utf8) && one.exchange.utf8.elementsEqual(other.exchange.utf8)
    }
}

/// What was published on a channel and not confirmed yet, by the broker's delivery tags: the n-th message has tag n.
struct ConfirmLedger<Ticket> {
    /// A message whose fate is known.
    struct Settled {
        let ticket: Ticket
        /// Why it came back, where it did: no queue took it.
        let returned: RabbitMQError?
    }

    private struct Entry {
        let ticket: Ticket
        let id: EventID
        let route: MessageRoute
        var returned: RabbitMQError?
    }

    /// `nil` once it is settled. Confirms come in any order.
    private var entries: [Entry?] = []
    /// The first that may not be settled.
    private var head = 0
    private var lastTag: UInt64 = 0
    /// Returns come in the order of publishing, so that the next one is searched for from the last one on.
    private var searchFrom = 0

    private(set) var count = 0

    /// - Returns: the message's tag.
    @discardableResult
    mutating func publish(_ ticket: Ticket, id: EventID, route: MessageRoute) -> UInt64 {
        entries.append(Entry(ticket: ticket, id: id, route: route))
        count += 1
        lastTag += 1
        return lastTag
    }

    /// A confirm, of whatever kind.
    /// - Parameters:
    ///   - tag: with `multiple` zero means all.
    ///   - body: is given what is settled by it, in the order of publishing. A tag that is unknown or settled settles nothing.
    mutating func settle(tag: UInt64, multiple: Bool, _ body: (Settled) -> Void) {
        let tag = multiple && tag == 0 ? lastTag : tag
        let firstTag = lastTag - UInt64(entries.count) + 1
        guard tag >= firstTag, tag <= lastTag else { return }
        let index = Int(tag - firstTag)
        for index in (multiple ? min(head, index) : index)...index {
            guard let entry = entries[index] else { continue }
            entries[index] = nil
            count -= 1
            body(Settled(ticket: entry.ticket, returned: entry.returned))
        }
        while head < entries.count, entries[head] == nil { head += 1 }
        compact()
    }

    /// A message came back; its confirm follows. One event may be under way by several routes, of which some have queues.
    /// The one that was published first of those with this id and route is meant: the others of them come back too.
    /// - Returns: whether there is one.
    @discardableResult
    mutating func returned(id: EventID, route: MessageRoute, _ error: RabbitMQError) -> Bool {
        searchFrom = max(searchFrom, head)
        for range in [searchFrom..<entries.count, head..<min(searchFrom, entries.count)] {
            for index in range {
                guard let entry = entries[index], entry.id == id, entry.route == route, entry.returned == nil else {
                    continue
                }
                entries[index]?.returned = error
                searchFrom = index + 1
                return true
            }
        }
        return false
    }

    /// What is not settled, in the order of publishing.
    var pending: [Ticket] { entries.compactMap { $0?.ticket } }

    private mutating func compact() {
        guard head == entries.count || head > 1_024 && head > entries.count / 2 else { return }
        entries.removeFirst(head)
        searchFrom = max(0, searchFrom - head)
        head = 0
    }
}
#endif

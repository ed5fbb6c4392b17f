import AfterCommit

struct OrderPlaced: Event {
    static let type: EventType = "order.placed"
    var number: Int
}

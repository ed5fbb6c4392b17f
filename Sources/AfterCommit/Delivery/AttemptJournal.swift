/// Notes which attempts run, so that the next process knows what was in flight when this one died.
///
/// A storage gives one to each subscription. Its functions are called in the middle of delivering: they never block,
/// never wait for a disk and cost no flush. A note that reaches the page cache outlives the process, and that is enough:
/// a machine that loses power accuses no handler.
public protocol AttemptJournal: Sendable {
    /// An attempt has begun. It replaces what was noted for the same lane.
    /// - Parameters:
    ///   - sequence: the event's place in commit order.
    ///   - lane: from 0. Each delivery of a batch has a number of its own: a subscription has as many numbers as its
    ///     concurrency times its batch size. A resize may go beyond that; such numbers may be ignored.
    func began(_ sequence: UInt64, lane: Int)

    /// Nothing runs on the lane any more, or what runs was given up and charged as a failed attempt.
    func ended(lane: Int)

    /// A suspect has begun, and nothing else of the engine runs: a death now is its own.
    func beganAlone(_ sequence: UInt64)

    /// A suspect was given back untried: it stays one.
    func released(_ sequence: UInt64)

    /// A suspect has ended, whatever came of it, and the process lives.
    func cleared(_ sequence: UInt64)
}

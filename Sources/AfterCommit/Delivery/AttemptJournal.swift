/// Notes which attempts run, so that the next process knows what was in flight when this one died.
///
/// Its calls never block and cost no flush: what they note survives the process, not the machine.
public protocol AttemptJournal: Sendable {
    /// An attempt begins on a lane; what the lane had noted before has ended.
    func began(_ sequence: UInt64, lane: Int)
    /// Nothing runs on the lane any more.
    func ended(lane: Int)
    /// A suspect's attempt begins while nothing else runs.
    func beganAlone(_ sequence: UInt64)
    /// A suspect's attempt has ended, or it was settled otherwise: it is none any more.
    func cleared(_ sequence: UInt64)
}

/// What a storage says of events that came from elsewhere.
public struct ReceiveReport: Sendable {
    /// The positions of events that are known already: nothing was stored of them.
    public var duplicates: [Int]
    /// Why events were not stored, by position: their ids stand for events with other payloads, or the storage cannot keep
    /// them.
    public var refused: [Int: EmitError]

    public init(duplicates: [Int] = [], refused: [Int: EmitError] = [:]) {
        self.duplicates = duplicates
        self.refused = refused
    }
}

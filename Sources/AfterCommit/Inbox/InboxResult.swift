/// What came of work that is done once for a key.
public struct InboxResult<Value: Sendable>: Sendable {
    /// The result, of now or of the first time.
    public let value: Value
    /// Whether the key was handled before: then nothing ran, and ``value`` is the stored result.
    public let isDuplicate: Bool
}

extension InboxResult: Equatable where Value: Equatable {}

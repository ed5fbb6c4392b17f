/// How many deliveries a batch handler gets at once.
public struct BatchSize: Sendable, Hashable {
    /// The most.
    public var size: Int
    /// How long the first may wait for company. Zero, the default, waits for nothing: a batch is what is ready.
    public var within: Duration

    public init(_ size: Int, within: Duration = .zero) {
        self.size = size
        self.within = within
    }

    package static let one = BatchSize(1)
}

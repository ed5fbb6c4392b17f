#if !LMDB
/// The durable storage on LMDB. It needs the package trait `LMDB`.
@available(
    *, unavailable,
    message: "enable the trait LMDB: .package(url: ..., traits: [\"LMDB\"]), and install liblmdb-dev"
)
public final class LMDBStorage: Sendable {
    public init(path: String) throws {}
}
#endif

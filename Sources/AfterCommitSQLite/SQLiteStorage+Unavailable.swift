#if !SQLite
/// The storage in SQLite. It needs the package trait `SQLite`.
@available(
    *, unavailable,
    message: "enable the trait SQLite: .package(url: ..., traits: [\"SQLite\"]), and install libsqlite3-dev"
)
public final class SQLiteStorage: Sendable {}
#endif

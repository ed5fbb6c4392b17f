#if !Postgres
/// The storage in PostgreSQL. It needs the package trait `Postgres`.
@available(
    *, unavailable,
    message: "enable the trait Postgres: .package(url: ..., traits: [\"Postgres\"]), and install libpq-dev"
)
public final class PostgresStorage: Sendable {}
#endif

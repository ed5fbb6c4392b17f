#if Postgres
/// The tables and functions of the outbox.
///
/// The columns of `outbox_events` are those of Debezium's outbox event router, and our own beside them. What needs several
/// statements and no answer in between is a function, so that it costs one round trip.
enum OutboxSchema {
    static let sql = [tables, fanOut, registration, leases, claim, settle].joined(separator: "\n\n")
}
#endif

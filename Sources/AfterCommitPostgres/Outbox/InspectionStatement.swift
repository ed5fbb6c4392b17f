#if Postgres
/// The statements of those who look, and of those who put dead letters back.
enum InspectionStatement {
    static let number = "SELECT subscription FROM outbox_subscriptions WHERE name = $1"
    static let names = "SELECT name FROM outbox_subscriptions ORDER BY name"
    static let numbers = "SELECT name, subscription FROM outbox_subscriptions WHERE name = ANY ($1)"
    /// Open transactions may still store deliveries for it: these are pruned.
    static let remove = """
        WITH removed AS (DELETE FROM outbox_subscriptions WHERE subscription = $1 RETURNING subscription)
        INSERT INTO outbox_removed (subscription) SELECT subscription FROM removed
        """
    static let removeDeliveries = """
        DELETE FROM outbox_deliveries WHERE (sequence, subscription) IN (\(deliveries(of: "$1", limit: 5_000)))
        """
    /// Some deliveries of a subscription, of each of the indexes so many.
    static func deliveries(of subscription: String, limit: Int) -> String {
        ["state = 'ready'", "state <> 'ready'"].map { condition in
            """
            (SELECT sequence, subscription FROM outbox_deliveries
            WHERE subscription = \(subscription) AND \(condition) LIMIT \(limit))
            """
        }.joined(separator: " UNION ALL ")
    }
    static let isDelivered = """
        SELECT EXISTS (SELECT FROM outbox_relays WHERE $1 = ANY (subscriptions) AND expires > clock_timestamp())
        """

    static let exceptionCounts = """
        SELECT state::text, count(*) FROM outbox_deliveries WHERE subscription = $1 AND state <> 'ready' GROUP BY state
        """
    static let readyCount = "SELECT count(*) FROM outbox_deliveries WHERE subscription = $1 AND state = 'ready'"
    /// Counts a short backlog, and takes a long one for as long as its sequences reach.
    static let readyEstimate = """
        SELECT CASE WHEN few.count <= 1000 THEN few.count ELSE (
                SELECT max(sequence) - min(sequence) + 1 FROM outbox_deliveries
                WHERE subscription = $1 AND state = 'ready') END
        FROM (SELECT count(*) FROM (
            SELECT FROM outbox_deliveries WHERE subscription = $1 AND state = 'ready' LIMIT 1001) one) few
        """
    static let oldestReady = """
        SELECT e.time FROM outbox_events e WHERE e.sequence = (
            SELECT min(sequence) FROM outbox_deliveries WHERE subscription = $1 AND state = 'ready')
        """
    static let appended = """
        SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox_events', 'sequence')), 0)
        """

    private static let state = """
        d.state::text, coalesce(d.attempts, 0), coalesce(d.replays, 0), coalesce(d.spent, 0), d.failures
        """
    /// All conditions are optional. The page ends with the event that reaches the limit.
    static let undelivered = """
        SELECT d.sequence, \(state), \(OutboxStatement.envelope("e", keyOf: "d")), s.name, d.due
        FROM outbox_deliveries d LEFT JOIN outbox_events e ON e.sequence = d.sequence
            JOIN outbox_subscriptions s ON s.subscription = d.subscription
        WHERE d.sequence > $1 AND ($2::text IS NULL OR s.name = $2) AND ($3::text IS NULL OR e.type = $3)
            AND ($4::text IS NULL OR d.orderingkey = $4) AND ($5::uuid IS NULL OR e.id = $5)
            AND d.state = $6::outbox_state
        ORDER BY d.sequence, s.name FETCH FIRST $7 ROWS WITH TIES
        """
    /// Those that are done have no row: an event that came after the subscription was registered, and after it took the type.
    static let all = """
        SELECT e.sequence, \(state), \(OutboxStatement.envelope("e")), s.name, d.due
        FROM outbox_events e JOIN outbox_subscriptions s ON \(OutboxSchema.matches("e.type", "s"))
            LEFT JOIN outbox_deliveries d ON d.sequence = e.sequence AND d.subscription = s.subscription
        WHERE e.sequence > $1 AND ($2::text IS NULL OR s.name = $2) AND ($3::text IS NULL OR e.type = $3)
            AND ($4::text IS NULL OR e.orderingkey = $4) AND ($5::uuid IS NULL OR e.id = $5)
            AND (d.sequence IS NOT NULL
                OR s.active AND (s.beginning OR NOT pg_visible_in_snapshot(e.xid, s.snapshot))
                    AND (s.addedsnapshot IS NULL OR NOT pg_visible_in_snapshot(e.xid, s.addedsnapshot)
                        OR NOT \(OutboxSchema.matchesAdded("e.type", "s"))))
            AND (NOT $6::boolean OR d.sequence IS NULL)
        ORDER BY e.sequence FETCH FIRST $7 ROWS WITH TIES
        """

    static let dead = """
        SELECT d.sequence, \(state), \(OutboxStatement.envelope("e", keyOf: "d")),
            s.name, d.reason, d.deadsince, d.blockskey
        FROM outbox_deliveries d LEFT JOIN outbox_events e ON e.sequence = d.sequence
            JOIN outbox_subscriptions s ON s.subscription = d.subscription
        WHERE d.state = 'dead' AND ($1::text IS NULL OR s.name = $1) AND ($2::text IS NULL OR e.type = $2)
            AND ($3::text IS NULL OR d.reason = $3) AND ($4::text IS NULL OR d.orderingkey = $4)
            AND ($5::timestamptz IS NULL OR d.deadsince >= $5) AND ($6::timestamptz IS NULL OR d.deadsince <= $6)
            AND ($7::bigint IS NULL OR (d.sequence, s.name) > ($7, $8::text))
        ORDER BY d.sequence, s.name LIMIT $9
        """
}
#endif

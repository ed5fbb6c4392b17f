#if Postgres
/// What a relay tells of itself. Only its beginning needs a flush: an epoch that a crash of the server takes back would be given
/// to another as well. After one that undid the rest the relay finds its lease gone, and gets another.
enum RelayStatement {
    private static let unflushed = "set_config('synchronous_commit', 'off', true)"

    static let join = """
        INSERT INTO outbox_relays (name, expires, subscriptions)
        VALUES ($1, clock_timestamp() + $2::float8 * interval '1 second', $3)
        RETURNING epoch
        """
    static let renew = """
        UPDATE outbox_relays SET expires = clock_timestamp() + $2::float8 * interval '1 second' WHERE epoch = $1
        RETURNING epoch, \(unflushed)
        """
    /// What it had is freed by ``reap``.
    static let leave = """
        WITH gone AS (DELETE FROM outbox_relays WHERE epoch = $1 RETURNING epoch)
        INSERT INTO outbox_lapsed (epoch) SELECT epoch FROM gone
        """
    static let setIdle = "UPDATE outbox_relays SET idle = $2 WHERE epoch = $1 RETURNING \(unflushed)"
    static let repair = "SELECT outbox_repair()"
    static let inactive = """
        SELECT EXISTS (SELECT FROM outbox_subscriptions WHERE subscription = ANY ($1) AND NOT active)
        """
    static let reap = "SELECT outbox_reap()"
    /// Somebody delivers to them.
    static let see = """
        UPDATE outbox_subscriptions SET seen = clock_timestamp()
        WHERE subscription = ANY ($1) AND seen < clock_timestamp() - interval '1 minute' RETURNING \(unflushed)
        """
    /// Subscriptions that nobody has delivered to for a day, and up to where they are cut: what is further back than so many.
    static let orphans = """
        SELECT s.subscription, s.name, last - $1 FROM outbox_subscriptions s,
            pg_sequence_last_value(pg_get_serial_sequence('outbox_events', 'sequence')) last
        WHERE \(isOrphan) AND last > $1
        """
    static let cut = """
        DELETE FROM outbox_deliveries WHERE ctid = ANY (ARRAY(
            SELECT d.ctid FROM outbox_deliveries d
            WHERE d.subscription = $1 AND d.sequence <= $2 AND d.state <> 'dead' AND d.epoch IS NULL
                AND EXISTS (SELECT FROM outbox_subscriptions s WHERE s.subscription = $1 AND \(isOrphan))
            ORDER BY d.sequence LIMIT 1000 FOR UPDATE SKIP LOCKED))
        RETURNING orderingkey
        """
    private static let isOrphan = "s.seen < clock_timestamp() - interval '1 day'"
    /// Looks at a bounded number of events, so that a large backlog is not walked over: how many were pruned and up to which, how
    /// many of those looked at were old enough, and up to which one looked.
    static let prune = """
        WITH looked AS MATERIALIZED (
            SELECT sequence, time FROM outbox_events WHERE sequence > $1 ORDER BY sequence LIMIT 10000
        ), pruned AS (
            DELETE FROM outbox_events WHERE sequence IN (
                SELECT e.sequence FROM looked e
                WHERE e.time < $2
                    AND NOT EXISTS (SELECT FROM outbox_deliveries d WHERE d.sequence = e.sequence)
                    AND NOT EXISTS (SELECT FROM outbox_late l WHERE l.sequence = e.sequence)
                    AND NOT EXISTS (SELECT FROM outbox_subscriptions WHERE NOT active)
                ORDER BY e.sequence LIMIT 1000)
            RETURNING sequence
        )
        SELECT (SELECT count(*) FROM pruned), (SELECT max(sequence) FROM pruned),
            (SELECT count(*) FROM looked WHERE time < $2), (SELECT max(sequence) FROM looked)
        """
    /// And what transactions that were open then have stored for subscriptions that were removed.
    static let pruneKeys = """
        WITH orphans AS (
            DELETE FROM outbox_deliveries WHERE (sequence, subscription) IN (
                SELECT d.sequence, d.subscription FROM outbox_removed r
                    CROSS JOIN LATERAL (\(InspectionStatement.deliveries(of: "r.subscription", limit: 1_000))) d)
        ), removed AS (
            DELETE FROM outbox_removed r
            WHERE r.xid < pg_snapshot_xmin(pg_current_snapshot())
                AND NOT EXISTS (\(InspectionStatement.deliveries(of: "r.subscription", limit: 1)))
        )
        DELETE FROM outbox_deduplication WHERE key IN (
            SELECT key FROM outbox_deduplication WHERE emitted <= $1 ORDER BY emitted LIMIT 1000)
        """
    /// One pruner at a time; who does not get it leaves it to the other.
    static let tryToPrune = """
        SELECT pg_try_advisory_xact_lock(hashtext('outbox_events'), 'outbox_events'::regclass::oid::integer)
        """
}
#endif

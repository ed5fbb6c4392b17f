#if Postgres
/// The statements of the outbox, each prepared once for each connection.
enum OutboxStatement {
    /// Rows in parallel arrays, in order: `ordinality` numbers them, so that identities rise as they were emitted.
    private static let rows = """
        SELECT r.id, r.aggregatetype, r.aggregateid, r.type, r.payload::jsonb, r.payloadbytes, r.source,
            timestamptz 'epoch' + r.time * interval '1 microsecond', r.schemaversion::integer, r.orderingkey,
            r.headers::jsonb, r.contenttype
        """
    private static let arrays = """
        unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[],
            $9::bigint[], $10::text[], $11::text[], $12::text[]
        """
    private static let names = """
        id, aggregatetype, aggregateid, type, payload, payloadbytes, source, time, schemaversion, orderingkey, headers,
        contenttype
        """

    static let insertEvents = """
        INSERT INTO outbox_events (\(names))
        \(rows)
        FROM \(arrays)) WITH ORDINALITY AS r (\(names), ordinality)
        ORDER BY r.ordinality
        """

    static let insertDelayed = """
        INSERT INTO outbox_delayed (\(names), deliverat)
        \(rows), timestamptz 'epoch' + r.deliverat * interval '1 microsecond'
        FROM \(arrays), $13::bigint[]) AS r (\(names), deliverat)
        """

    /// Takes the key for the event, and returns nothing where another event has it, or where the event is stored already. It
    /// waits for others who want the same key.
    static let takeKey = """
        INSERT INTO outbox_deduplication AS known (key, id, fingerprint, emitted)
        SELECT $1::text, $2::uuid, $3::bigint, $4::timestamptz
        WHERE NOT EXISTS (SELECT FROM outbox_events WHERE id = $2)
            AND NOT EXISTS (SELECT FROM outbox_delayed WHERE id = $2)
        \(unlessKnown)
        """
    /// Takes many keys as ``takeKey`` takes one, always in the same order, so that two who want the same ones never wait for
    /// each other; returns the ids of events that have theirs now.
    static let takeKeys = """
        INSERT INTO outbox_deduplication AS known (key, id, fingerprint, emitted)
        SELECT k.key, k.id, k.fingerprint, $4::timestamptz
        FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS k (key, id, fingerprint)
        WHERE NOT EXISTS (SELECT FROM outbox_events e WHERE e.id = k.id)
            AND NOT EXISTS (SELECT FROM outbox_delayed d WHERE d.id = k.id)
        ORDER BY k.key
        \(unlessKnown)
        """
    /// Takes it for an event that is stored already.
    static let takeKeyOfStored = """
        INSERT INTO outbox_deduplication AS known (key, id, fingerprint, emitted) VALUES ($1, $2, $3, $4)
        \(unlessKnown)
        """
    private static let unlessKnown = """
        ON CONFLICT (key) DO UPDATE SET id = excluded.id, fingerprint = excluded.fingerprint, emitted = excluded.emitted
        WHERE known.emitted <= $5
        RETURNING id
        """
    static let holderOfKey = "SELECT id, fingerprint FROM outbox_deduplication WHERE key = $1 AND emitted > $2"
    /// Whether the event that is stored with an id has this type and payload; no row where there is none.
    static let isStoredEvent = """
        SELECT type = $2 AND payload IS NOT DISTINCT FROM $3::jsonb AND payloadbytes IS NOT DISTINCT FROM $4::bytea
        FROM (
            SELECT type, payload, payloadbytes FROM outbox_events WHERE id = $1
            UNION ALL SELECT type, payload, payloadbytes FROM outbox_delayed WHERE id = $1) known
        """
    /// The newest ids, so that further ones are greater.
    static let newestIDs = """
        (SELECT id FROM outbox_events ORDER BY sequence DESC LIMIT 100)
        UNION ALL (SELECT id FROM outbox_delayed ORDER BY deliverat DESC LIMIT 100)
        """

    /// How many were due, and how many of them are events now: one whose id was stored otherwise must not hold up the others.
    static let publishDelayed = """
        WITH due AS (
            DELETE FROM outbox_delayed WHERE id IN (
                SELECT id FROM outbox_delayed WHERE deliverat <= $1
                ORDER BY deliverat, id LIMIT 1000 FOR UPDATE SKIP LOCKED)
            RETURNING *
        ), published AS (
            INSERT INTO outbox_events (\(names)) SELECT \(names) FROM due ORDER BY deliverat, id
            ON CONFLICT (id) DO NOTHING
            RETURNING id
        )
        SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM published)
        """

    static let nextDelayed = "SELECT min(deliverat) FROM outbox_delayed"

    static let delayedAfter = """
        SELECT \(envelope("d")), d.deliverat FROM outbox_delayed d
        WHERE $1::timestamptz IS NULL OR (d.deliverat, d.id) > ($1, $2) ORDER BY d.deliverat, d.id LIMIT $3
        """

    static let cancelDelayed = "DELETE FROM outbox_delayed WHERE id = ANY ($1) RETURNING id"

    // MARK: Delivering

    static let register = "SELECT outbox_register($1, $2, $3, $4)"
    static let unpark = """
        UPDATE outbox_deliveries SET state = 'retrying', due = $2
        WHERE subscription = $1 AND state = 'parked' AND epoch IS NULL
        """
    static let claim = "SELECT * FROM outbox_claim($1, $2, $3, $4, $5, $6)"
    static let nextDue = """
        SELECT min(due) FROM outbox_deliveries WHERE subscription = $1 AND state = 'retrying' AND epoch IS NULL
        """
    /// Nothing, where the lease has run out: what it claimed then would be nobody's to free.
    static let claimSequences = """
        WITH lease AS (
            SELECT epoch FROM outbox_relays WHERE epoch = $2 FOR KEY SHARE
        ), free AS (
            SELECT sequence, state AS before FROM outbox_deliveries
            WHERE subscription = $1 AND sequence = ANY ($3) AND epoch IS NULL AND state <> 'dead'
                AND EXISTS (SELECT FROM lease)
            FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE outbox_deliveries d SET epoch = $2
            FROM free f WHERE d.subscription = $1 AND d.sequence = f.sequence
            RETURNING d.sequence, f.before, d.attempts, d.replays, d.spent, d.failures, d.orderingkey
        )
        SELECT c.sequence, c.before, c.attempts, c.replays, c.spent, c.failures, \(envelope("e", keyOf: "c"))
        FROM claimed c LEFT JOIN outbox_events e ON e.sequence = c.sequence ORDER BY c.sequence
        """
    static let release = """
        UPDATE outbox_deliveries SET epoch = NULL WHERE subscription = $1 AND epoch = $2 AND sequence = ANY ($3)
        """
    static let settle = "SELECT * FROM outbox_settle($1, $2, $3, $4)"
    /// Whether none of these is in the relay's hands any more, while it has its lease still.
    static let areSettled = """
        SELECT EXISTS (SELECT FROM outbox_relays WHERE epoch = $2) AND NOT EXISTS (
            SELECT FROM outbox_deliveries WHERE subscription = $1 AND epoch = $2 AND sequence = ANY ($3))
        """
    static let lockClaimed = """
        SELECT epoch FROM outbox_deliveries WHERE subscription = $1 AND sequence = $2 AND state <> 'dead' FOR UPDATE
        """
    /// Lets nothing be stored as blocked behind it from here on. It needs no flush: a crash of the server undoes what follows too.
    static let beginSettling = """
        UPDATE outbox_deliveries SET settling = true
        WHERE subscription = $1 AND sequence = $2 AND epoch = $3 AND orderingkey IS NOT NULL AND NOT settling
        RETURNING set_config('synchronous_commit', 'off', true)
        """
    static let existing = "SELECT sequence FROM outbox_deliveries WHERE subscription = $1 AND sequence = ANY ($2)"
    static let stored = """
        SELECT EXISTS (SELECT FROM outbox_events WHERE id = ANY ($1))
            OR EXISTS (SELECT FROM outbox_delayed WHERE id = ANY ($1))
        """

    // MARK: Dead letters

    static let redrive = """
        UPDATE outbox_deliveries d SET state = 'retrying', due = $3, epoch = NULL, attempts = 0, spent = 0,
            replays = replays + 1, reason = NULL, deadsince = NULL, blockskey = false
        FROM unnest($1::bigint[], $2::bigint[]) AS w (subscription, sequence)
        WHERE d.subscription = w.subscription AND d.sequence = w.sequence AND d.state = 'dead'
        RETURNING d.subscription, d.sequence
        """
    static let deleteDead = """
        DELETE FROM outbox_deliveries d USING unnest($1::bigint[], $2::bigint[]) AS w (subscription, sequence)
        WHERE d.subscription = w.subscription AND d.sequence = w.sequence AND d.state = 'dead'
        RETURNING d.subscription, d.sequence, d.orderingkey
        """
    static let promote = "SELECT outbox_promote($1, $2)"
    static let notify = """
        SELECT pg_notify('aftercommit_outbox', '') WHERE EXISTS (SELECT FROM outbox_relays WHERE idle)
        """

    /// The columns of an envelope, in the order in which ``StoredEnvelope`` reads them.
    /// - Parameter delivery: what has the key where the event's row may be missing.
    static func envelope(_ table: String, keyOf delivery: String? = nil) -> String {
        let columns = ["id", "type", "source", "time", "schemaversion"].map { "\(table).\($0)" }
        let rest = ["headers", "contenttype", "payload", "payloadbytes"].map { "\(table).\($0)" }
        return (columns + ["\(delivery ?? table).orderingkey"] + rest).joined(separator: ", ")
    }
}
#endif

#if Postgres
extension OutboxSchema {
    /// Hands out deliveries, each ordering key to one relay at a time.
    static let claim = """
        CREATE FUNCTION outbox_claim(_subscription integer, _epoch bigint, _now timestamptz, _due integer, _fresh integer)
        RETURNS TABLE (
            sequence bigint, state outbox_state, attempts integer, replays integer, spent double precision, failures jsonb,
            id uuid, type varchar, source text, "time" timestamptz, schemaversion integer, orderingkey varchar, headers jsonb,
            contenttype varchar, payload jsonb, payloadbytes bytea
        ) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            plain bigint[];
            keyed bigint[];
            waiting bigint[];
            blockers bigint[];
        BEGIN
            -- A claim that a crash of the server undoes is made again.
            PERFORM set_config('synchronous_commit', 'off', true);
            PERFORM FROM outbox_relays WHERE epoch = _epoch FOR KEY SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the lease of relay % has lapsed', _epoch USING ERRCODE = 'AC001';
            END IF;
            IF EXISTS (SELECT FROM outbox_late) OR EXISTS (
                SELECT FROM outbox_subscriptions WHERE subscription = _subscription AND NOT active)
            THEN
                PERFORM outbox_repair();
                IF EXISTS (SELECT FROM outbox_subscriptions WHERE subscription = _subscription AND NOT active) THEN
                    RAISE EXCEPTION 'transactions are open that began before the subscription' USING ERRCODE = 'AC002';
                END IF;
            END IF;
            WITH due AS (
                SELECT d.sequence, d.orderingkey FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.state = 'retrying' AND d.epoch IS NULL AND d.due <= _now
                ORDER BY d.due LIMIT _due FOR UPDATE SKIP LOCKED
            )
            SELECT array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NULL),
                array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NOT NULL) INTO plain, keyed FROM due l;
            IF _fresh > 0 THEN
                WITH fresh AS (
                    SELECT d.sequence, d.orderingkey FROM outbox_deliveries d
                    WHERE d.subscription = _subscription AND d.state = 'ready' AND d.epoch IS NULL
                    ORDER BY d.sequence LIMIT greatest(0, _fresh - coalesce(cardinality(plain), 0) - coalesce(cardinality(keyed), 0))
                    FOR UPDATE SKIP LOCKED
                )
                SELECT plain || array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NULL),
                    keyed || array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NOT NULL) INTO plain, keyed FROM fresh l;
            END IF;

            IF keyed IS NOT NULL THEN
                -- What comes before it, or is in another relay's hands, makes a delivery wait.
                SELECT array_agg(d.sequence), array_agg(b.sequence) INTO waiting, blockers
                FROM outbox_deliveries d CROSS JOIN LATERAL (
                    SELECT b.sequence FROM outbox_deliveries b
                    WHERE b.subscription = _subscription AND b.orderingkey = d.orderingkey AND b.sequence <> d.sequence
                        AND CASE WHEN b.epoch IS NULL THEN b.sequence < d.sequence AND b.sequence <> ALL (keyed)
                                AND (b.state <> 'dead' OR b.blockskey)
                            ELSE b.epoch <> _epoch END
                    ORDER BY b.sequence LIMIT 1
                ) b
                WHERE d.subscription = _subscription AND d.sequence = ANY (keyed);
                IF waiting IS NOT NULL THEN
                    -- Stored as blocked only while what it waits for cannot be settled: who settles that one looks for it.
                    UPDATE outbox_deliveries d SET state = 'blocked'
                    FROM unnest(waiting, blockers) w(sequence, behind)
                    WHERE d.subscription = _subscription AND d.sequence = w.sequence AND d.state = 'ready' AND w.behind IN (
                        SELECT b.sequence FROM outbox_deliveries b
                        WHERE b.subscription = _subscription AND b.sequence = ANY (blockers)
                        FOR NO KEY UPDATE SKIP LOCKED);
                    keyed := ARRAY(SELECT unnest(keyed) EXCEPT SELECT unnest(waiting));
                END IF;
            END IF;

            RETURN QUERY
            WITH claimed AS (
                UPDATE outbox_deliveries d SET epoch = _epoch
                WHERE d.subscription = _subscription AND d.sequence = ANY (plain || keyed)
                RETURNING d.sequence, d.state, d.attempts, d.replays, d.spent, d.failures
            )
            SELECT c.sequence, c.state, c.attempts, c.replays, c.spent, c.failures,
                e.id, e.type, e.source, e.time, e.schemaversion, e.orderingkey, e.headers, e.contenttype, e.payload, e.payloadbytes
            FROM claimed c JOIN outbox_events e ON e.sequence = c.sequence ORDER BY c.sequence;
        END $$;
        """
}
#endif

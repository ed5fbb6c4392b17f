#if Postgres
extension OutboxSchema {
    /// Hands out deliveries, each ordering key to one relay at a time: of those that are ready the ones from `_from` on, so
    /// that the index's entries of what was settled before need not be walked over until a vacuum removes them. One whose event
    /// somebody has deleted is handed out without it.
    static let claim = """
        CREATE FUNCTION outbox_claim(_subscription integer, _epoch bigint, _now timestamptz, _due integer, _fresh integer,
            _from bigint)
        RETURNS TABLE (
            sequence bigint, state outbox_state, attempts integer, replays integer, spent double precision, failures jsonb,
            id uuid, type text, source text, "time" timestamptz, schemaversion integer, orderingkey varchar, headers jsonb,
            contenttype text, payload jsonb, payloadbytes bytea
        ) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            -- Where the rows are: they are locked, so that they stay there.
            places tid[];
            plain bigint[];
            keyed bigint[];
            waiting bigint[];
            blockers bigint[];
            held bigint[];
            isactive boolean;
        BEGIN
            -- A claim that a crash of the server undoes is made again.
            PERFORM set_config('synchronous_commit', 'off', true);
            PERFORM FROM outbox_relays WHERE epoch = _epoch FOR KEY SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the lease of relay % has lapsed', _epoch USING ERRCODE = 'AC001';
            END IF;
            SELECT active INTO isactive FROM outbox_subscriptions WHERE subscription = _subscription;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'subscription % was removed', _subscription USING ERRCODE = 'AC003';
            END IF;
            IF NOT isactive OR EXISTS (SELECT FROM outbox_late) THEN
                PERFORM outbox_repair();
                IF EXISTS (SELECT FROM outbox_subscriptions WHERE subscription = _subscription AND NOT active) THEN
                    RAISE EXCEPTION 'transactions are open that began before the subscription' USING ERRCODE = 'AC002';
                END IF;
            END IF;
            WITH due AS (
                SELECT d.ctid AS place, d.sequence, d.orderingkey FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.state = 'retrying' AND d.epoch IS NULL AND d.due <= _now
                ORDER BY d.due LIMIT _due FOR UPDATE SKIP LOCKED
            )
            SELECT array_agg(l.place), array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NOT NULL)
            INTO places, keyed FROM due l;
            IF _fresh > 0 THEN
                WITH fresh AS (
                    SELECT d.ctid AS place, d.sequence, d.orderingkey FROM outbox_deliveries d
                    WHERE d.subscription = _subscription AND d.state = 'ready' AND d.epoch IS NULL
                        AND d.sequence >= _from
                    ORDER BY d.sequence LIMIT greatest(0, _fresh - coalesce(cardinality(places), 0))
                    FOR UPDATE SKIP LOCKED
                )
                SELECT places || array_agg(l.place), keyed || array_agg(l.sequence) FILTER (WHERE l.orderingkey IS NOT NULL)
                INTO places, keyed FROM fresh l;
            END IF;

            IF keyed IS NULL THEN
                RETURN QUERY WITH claimed AS (
                    UPDATE outbox_deliveries d SET epoch = _epoch WHERE d.ctid = ANY (places)
                    RETURNING d.sequence, d.state, d.attempts, d.replays, d.spent, d.failures, d.orderingkey
                )
                SELECT c.sequence, c.state, c.attempts, c.replays, c.spent, c.failures,
                    e.id, e.type, e.source, e.time, e.schemaversion, c.orderingkey, e.headers, e.contenttype, e.payload,
                    e.payloadbytes
                FROM claimed c LEFT JOIN outbox_events e ON e.sequence = c.sequence ORDER BY c.sequence;
                RETURN;
            END IF;
            WITH claimed AS (
                UPDATE outbox_deliveries d SET epoch = _epoch WHERE d.ctid = ANY (places) RETURNING d.sequence
            )
            SELECT array_agg(c.sequence) INTO plain FROM claimed c;

            -- Behind the first of its key that is not in this relay's hands, a delivery waits.
            SELECT array_agg(d.sequence), array_agg(w.blocker) INTO waiting, blockers
            FROM (
                SELECT k.orderingkey, (
                    SELECT b.sequence FROM outbox_deliveries b
                    WHERE b.subscription = _subscription AND b.orderingkey = k.orderingkey
                        AND b.epoch IS DISTINCT FROM _epoch AND (b.state <> 'dead' OR b.blockskey)
                    ORDER BY b.sequence LIMIT 1) AS blocker
                FROM (
                    SELECT DISTINCT c.orderingkey FROM outbox_deliveries c
                    WHERE c.subscription = _subscription AND c.sequence = ANY (keyed)
                ) k
            ) w CROSS JOIN LATERAL (
                SELECT c.sequence FROM outbox_deliveries c
                WHERE c.subscription = _subscription AND c.orderingkey = w.orderingkey AND c.epoch = _epoch
                    AND c.sequence > w.blocker AND c.sequence <= (SELECT max(s) FROM unnest(keyed) s)
                    AND c.sequence = ANY (keyed)
            ) d;
            IF waiting IS NOT NULL THEN
                -- Stored as blocked only while what it waits for cannot be settled: who settles that one looks for it. What was
                -- settled since the look above blocks no more, and nobody would come for those behind it; who settles with an
                -- older snapshot would not see them.
                held := ARRAY(
                    SELECT b.sequence FROM outbox_deliveries b
                    WHERE b.subscription = _subscription AND b.sequence = ANY (blockers)
                        AND (b.state <> 'dead' OR b.blockskey) AND NOT b.settling
                    FOR NO KEY UPDATE SKIP LOCKED);
                UPDATE outbox_deliveries d SET epoch = NULL,
                    state = CASE WHEN w.blocker = ANY (held) THEN 'blocked'::outbox_state ELSE d.state END
                FROM unnest(waiting, blockers) w(sequence, blocker)
                WHERE d.sequence = w.sequence AND d.subscription = _subscription;
            END IF;

            RETURN QUERY
            SELECT d.sequence, d.state, d.attempts, d.replays, d.spent, d.failures,
                e.id, e.type, e.source, e.time, e.schemaversion, d.orderingkey, e.headers, e.contenttype, e.payload,
                e.payloadbytes
            FROM outbox_deliveries d LEFT JOIN outbox_events e ON e.sequence = d.sequence
            WHERE d.subscription = _subscription AND d.sequence = ANY (plain) AND d.epoch = _epoch
            ORDER BY d.sequence;
        END $$;
        """
}
#endif

#if Postgres
extension OutboxSchema {
    /// Records outcomes, and lets those go on that waited behind them.
    static let settle = """
        CREATE FUNCTION outbox_promote(_subscription integer, _keys varchar[]) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            promoted bigint;
        BEGIN
            UPDATE outbox_deliveries d SET state = 'ready'
            FROM (
                SELECT b.sequence FROM unnest(_keys) k CROSS JOIN LATERAL (
                    SELECT b.sequence FROM outbox_deliveries b
                    WHERE b.subscription = _subscription AND b.orderingkey = k AND b.state = 'blocked'
                    ORDER BY b.sequence LIMIT 16
                ) b
            ) next
            WHERE d.subscription = _subscription AND d.sequence = next.sequence AND d.state = 'blocked';
            GET DIAGNOSTICS promoted = ROW_COUNT;
            RETURN promoted;
        END $$;

        CREATE FUNCTION outbox_settle(_subscription integer, _epoch bigint, _delivered bigint[], _exceptions jsonb)
        RETURNS TABLE (stale bigint[], promoted bigint) LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            settled bigint[];
            more bigint[];
            keys varchar[];
            skipped varchar[];
            waiting varchar[];
            waiter varchar;
            given bigint[] := _delivered;
        BEGIN
            promoted := 0;
            IF _exceptions IS NOT NULL THEN
                WITH given AS (
                    SELECT * FROM jsonb_to_recordset(_exceptions) x(sequence bigint, state outbox_state, due double precision,
                        attempts integer, replays integer, spent double precision, failures jsonb, reason text,
                        deadsince double precision, blockskey boolean)
                ), updated AS (
                    UPDATE outbox_deliveries d SET epoch = NULL, state = g.state, due = to_timestamp(g.due),
                        attempts = coalesce(g.attempts, d.attempts), replays = coalesce(g.replays, d.replays),
                        spent = coalesce(g.spent, d.spent), failures = coalesce(g.failures, d.failures), reason = g.reason,
                        deadsince = to_timestamp(g.deadsince), blockskey = coalesce(g.blockskey, false)
                    FROM given g
                    WHERE d.subscription = _subscription AND d.sequence = g.sequence AND d.epoch = _epoch
                    RETURNING d.sequence, CASE WHEN d.state = 'dead' AND NOT d.blockskey THEN d.orderingkey END AS freed,
                        CASE WHEN d.state = 'blocked' THEN d.orderingkey END AS waiter
                )
                SELECT array_agg(u.sequence), array_agg(DISTINCT u.freed) FILTER (WHERE u.freed IS NOT NULL),
                    array_agg(DISTINCT u.waiter) FILTER (WHERE u.waiter IS NOT NULL)
                INTO settled, skipped, waiting FROM updated u;
                given := given || ARRAY(SELECT (x ->> 'sequence')::bigint FROM jsonb_array_elements(_exceptions) x);
            END IF;
            WITH done AS (
                DELETE FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.sequence = ANY (_delivered) AND d.epoch = _epoch
                RETURNING d.sequence, d.orderingkey
            )
            SELECT array_agg(d.sequence), array_agg(DISTINCT d.orderingkey) FILTER (WHERE d.orderingkey IS NOT NULL)
            INTO more, keys FROM done d;
            keys := keys || skipped;
            -- What they wait for may have been settled before they were stored as blocked, by a transaction of its own. One that
            -- is about to be is waited for.
            FOREACH waiter IN ARRAY coalesce(waiting, '{}') LOOP
                PERFORM FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.orderingkey = waiter AND (d.state <> 'dead' OR d.blockskey)
                    AND d.sequence < (
                        SELECT min(b.sequence) FROM outbox_deliveries b
                        WHERE b.subscription = _subscription AND b.orderingkey = waiter AND b.state = 'blocked')
                ORDER BY d.sequence LIMIT 1 FOR KEY SHARE;
                IF NOT FOUND THEN
                    keys := keys || waiter;
                END IF;
            END LOOP;
            IF keys IS NOT NULL THEN
                promoted := outbox_promote(_subscription, keys);
            END IF;
            settled := settled || more;
            stale := CASE
                WHEN coalesce(cardinality(settled), 0) = cardinality(given) THEN '{}'
                ELSE ARRAY(SELECT unnest(given) EXCEPT SELECT unnest(settled)) END;
            RETURN NEXT;
        END $$;
        """
}
#endif

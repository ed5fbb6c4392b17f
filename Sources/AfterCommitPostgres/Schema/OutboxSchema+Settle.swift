#if Postgres
extension OutboxSchema {
    /// Records outcomes, and lets those go on that waited behind them.
    static let settle = """
        CREATE FUNCTION outbox_promote(_subscription integer, _keys varchar[]) RETURNS bigint
        LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
        DECLARE
            next bigint[];
            promoted bigint;
        BEGIN
            SELECT array_agg(b.sequence) INTO next FROM unnest(_keys) k CROSS JOIN LATERAL (
                SELECT b.sequence FROM outbox_deliveries b
                WHERE b.subscription = _subscription AND b.orderingkey = k AND b.state = 'blocked'
                ORDER BY b.sequence LIMIT 16
            ) b;
            UPDATE outbox_deliveries d SET state = 'ready'
            WHERE d.subscription = _subscription AND d.sequence = ANY (next) AND d.state = 'blocked';
            GET DIAGNOSTICS promoted = ROW_COUNT;
            RETURN promoted;
        END $$;

        CREATE FUNCTION outbox_settle(_subscription integer, _epoch bigint, _delivered bigint[], _exceptions jsonb)
        RETURNS TABLE (stale bigint[], promoted bigint) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            exception record;
            ofkey varchar;
            settled bigint[] := '{}';
            more bigint[];
            keys varchar[] := '{}';
            freed varchar[];
            waiting varchar[] := '{}';
            waiter varchar;
            given bigint[] := _delivered;
        BEGIN
            promoted := 0;
            IF _exceptions IS NOT NULL THEN
                FOR exception IN
                    SELECT * FROM jsonb_to_recordset(_exceptions) x(sequence bigint, state outbox_state,
                        due double precision, attempts integer, replays integer, spent double precision, failures jsonb,
                        reason text, deadsince double precision, blockskey boolean)
                LOOP
                    given := given || exception.sequence;
                    UPDATE outbox_deliveries d SET epoch = NULL, state = exception.state,
                        due = to_timestamp(exception.due), attempts = coalesce(exception.attempts, d.attempts),
                        replays = coalesce(exception.replays, d.replays), spent = coalesce(exception.spent, d.spent),
                        failures = coalesce(exception.failures, d.failures), reason = exception.reason,
                        deadsince = to_timestamp(exception.deadsince), blockskey = coalesce(exception.blockskey, false),
                        settling = false
                    WHERE d.sequence = exception.sequence AND d.subscription = _subscription AND d.epoch = _epoch
                    RETURNING d.orderingkey INTO ofkey;
                    IF FOUND THEN
                        settled := settled || exception.sequence;
                        IF ofkey IS NOT NULL AND exception.state = 'blocked' AND NOT ofkey = ANY (waiting) THEN
                            waiting := waiting || ofkey;
                        ELSIF ofkey IS NOT NULL AND exception.state = 'dead' AND NOT exception.blockskey THEN
                            keys := keys || ofkey;
                        END IF;
                    END IF;
                END LOOP;
            END IF;
            WITH done AS (
                DELETE FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.sequence = ANY (_delivered) AND d.epoch = _epoch
                RETURNING d.sequence, d.orderingkey
            )
            SELECT array_agg(d.sequence), array_agg(DISTINCT d.orderingkey) FILTER (WHERE d.orderingkey IS NOT NULL)
            INTO more, freed FROM done d;
            keys := keys || freed;
            -- What they wait for may have been settled before they were stored as blocked, by a transaction of its own. One that
            -- is about to be is waited for, but for one that is settled with an older snapshot.
            FOREACH waiter IN ARRAY waiting LOOP
                PERFORM FROM outbox_deliveries d
                WHERE d.subscription = _subscription AND d.orderingkey = waiter AND (d.state <> 'dead' OR d.blockskey)
                    AND NOT d.settling AND d.sequence < (
                        SELECT min(b.sequence) FROM outbox_deliveries b
                        WHERE b.subscription = _subscription AND b.orderingkey = waiter AND b.state = 'blocked')
                ORDER BY d.sequence LIMIT 1 FOR NO KEY UPDATE;
                IF NOT FOUND THEN
                    keys := keys || waiter;
                END IF;
            END LOOP;
            IF cardinality(keys) > 0 THEN
                promoted := outbox_promote(_subscription, keys);
            END IF;
            settled := settled || more;
            stale := CASE
                WHEN cardinality(settled) = cardinality(given) THEN '{}'
                ELSE ARRAY(SELECT unnest(given) EXCEPT SELECT unnest(settled)) END;
            RETURN NEXT;
        END $$;
        """
}
#endif

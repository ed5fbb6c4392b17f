#if Postgres
extension OutboxSchema {
    /// Registers subscriptions beside open transactions.
    static let registration = """
        CREATE FUNCTION outbox_lock() RETURNS void LANGUAGE sql AS $$
            SELECT pg_advisory_xact_lock(hashtext('outbox_subscriptions'), 'outbox_subscriptions'::regclass::oid::integer)
        $$;

        CREATE FUNCTION outbox_register(_name text, _types text[], _prefixes text[], _beginning boolean) RETURNS integer
        LANGUAGE plpgsql AS $$
        DECLARE
            known outbox_subscriptions;
            given bigint;
        BEGIN
            PERFORM outbox_lock();
            SELECT * INTO known FROM outbox_subscriptions WHERE name = _name;
            IF FOUND AND NOT EXISTS (SELECT FROM unnest(_types) t WHERE NOT \(matches("t", "known")))
                AND NOT EXISTS (SELECT FROM unnest(_prefixes) p WHERE NOT \(covers("known.prefixes", "p")))
            THEN
                -- Nothing is added.
                IF known.types <> _types OR known.prefixes <> _prefixes THEN
                    UPDATE outbox_subscriptions SET types = _types, prefixes = _prefixes WHERE name = _name;
                END IF;
                RETURN known.subscription;
            END IF;
            -- The number comes before this transaction's id: who has not seen the number has an older id.
            given := nextval('outbox_registrations');
            IF known.subscription IS NULL THEN
                INSERT INTO outbox_subscriptions (name, types, prefixes, number, beginning, addedsnapshot)
                VALUES (_name, _types, _prefixes, given, _beginning,
                    CASE WHEN NOT _beginning THEN pg_current_snapshot() END) RETURNING * INTO known;
            ELSE
                -- Transactions that are open give it nothing of what it takes from now on. A change before that is not through
                -- with its own goes through with this one.
                UPDATE outbox_subscriptions s SET types = _types, prefixes = _prefixes, number = given, active = false,
                    xid = pg_current_xact_id(),
                    formertypes = CASE WHEN s.active THEN s.types
                        ELSE ARRAY(SELECT t FROM unnest(s.formertypes) t WHERE \(matches("t", "s"))) END,
                    formerprefixes = CASE WHEN s.active THEN s.prefixes
                        ELSE ARRAY(SELECT p FROM unnest(s.formerprefixes) p WHERE \(covers("s.prefixes", "p"))) END,
                    addedsnapshot = CASE WHEN s.active THEN pg_current_snapshot() ELSE s.addedsnapshot END,
                    formernumber = CASE WHEN s.active THEN s.number ELSE s.formernumber END
                WHERE name = _name;
            END IF;
            UPDATE outbox_registration SET number = given;
            RETURN known.subscription;
        END $$;

        CREATE FUNCTION outbox_repair() RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            ready outbox_subscriptions;
            given bigint;
        BEGIN
            PERFORM outbox_lock();
            WITH late AS (DELETE FROM outbox_late RETURNING sequence, number)
            INSERT INTO outbox_deliveries (subscription, sequence, orderingkey)
            SELECT s.subscription, e.sequence, e.orderingkey
            FROM late l JOIN outbox_events e ON e.sequence = l.sequence
                JOIN outbox_subscriptions s ON s.number > l.number
                    AND CASE WHEN s.formernumber > l.number THEN \(matches("e.type", "s"))
                        ELSE \(matchesAdded("e.type", "s")) END
            WHERE NOT pg_visible_in_snapshot(e.xid, coalesce(s.addedsnapshot, s.snapshot))
            ON CONFLICT DO NOTHING;
            -- The transactions that were open when it was registered, or changed, have ended: what they inserted is there now.
            FOR ready IN SELECT * FROM outbox_subscriptions s
                -- One that was restored into another cluster may have an id that has not been given out there.
                WHERE NOT s.active AND (pg_snapshot_xmin(pg_current_snapshot()) > s.xid
                    OR s.xid >= pg_snapshot_xmax(pg_current_snapshot()))
            LOOP
                INSERT INTO outbox_deliveries (subscription, sequence, orderingkey)
                SELECT ready.subscription, e.sequence, e.orderingkey FROM outbox_events e
                WHERE \(matchesAdded("e.type", "ready"))
                    AND (ready.addedsnapshot IS NULL OR NOT pg_visible_in_snapshot(e.xid, ready.addedsnapshot)
                        -- Restored ones are history, but for what they were open beside.
                        AND (e.xid < pg_snapshot_xmax(pg_current_snapshot())
                            OR ready.xid >= pg_snapshot_xmax(pg_current_snapshot())))
                    AND NOT EXISTS (SELECT FROM outbox_late l WHERE l.sequence = e.sequence)
                ON CONFLICT DO NOTHING;
                UPDATE outbox_subscriptions SET active = true WHERE subscription = ready.subscription;
            END LOOP;
            -- A registration that was rolled back took a number that nobody has.
            SELECT last_value INTO given FROM outbox_registrations;
            UPDATE outbox_registration SET number = given WHERE number < given;
        END $$;
        """

    /// Whether some of these prefixes take all that another does.
    private static func covers(_ prefixes: String, _ prefix: String) -> String {
        "EXISTS (SELECT FROM unnest(\(prefixes)) covering WHERE starts_with(\(prefix), covering))"
    }
}
#endif

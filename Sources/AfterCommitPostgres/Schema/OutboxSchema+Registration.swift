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
            IF FOUND THEN
                IF known.types <> _types OR known.prefixes <> _prefixes THEN
                    UPDATE outbox_subscriptions SET types = _types, prefixes = _prefixes WHERE name = _name;
                END IF;
                RETURN known.subscription;
            END IF;
            -- The number comes before this transaction's id: who has not seen the number has an older id.
            given := nextval('outbox_registrations');
            INSERT INTO outbox_subscriptions (name, types, prefixes, number, beginning)
            VALUES (_name, _types, _prefixes, given, _beginning) RETURNING * INTO known;
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
                JOIN outbox_subscriptions s ON s.number > l.number AND \(matches("e.type", "s"))
            WHERE NOT pg_visible_in_snapshot(e.xid, s.snapshot)
            ON CONFLICT DO NOTHING;
            -- The transactions that were open when it was registered have ended: what they inserted is there now.
            FOR ready IN SELECT * FROM outbox_subscriptions s
                WHERE NOT s.active AND pg_snapshot_xmin(pg_current_snapshot()) > s.xid
            LOOP
                INSERT INTO outbox_deliveries (subscription, sequence, orderingkey)
                SELECT ready.subscription, e.sequence, e.orderingkey FROM outbox_events e
                WHERE \(matches("e.type", "ready"))
                    AND (ready.beginning OR NOT pg_visible_in_snapshot(e.xid, ready.snapshot))
                    AND NOT EXISTS (SELECT FROM outbox_late l WHERE l.sequence = e.sequence)
                ON CONFLICT DO NOTHING;
                UPDATE outbox_subscriptions SET active = true WHERE subscription = ready.subscription;
            END LOOP;
            -- A registration that was rolled back took a number that nobody has.
            SELECT last_value INTO given FROM outbox_registrations;
            UPDATE outbox_registration SET number = given WHERE number < given;
        END $$;
        """
}
#endif

#if Postgres
extension OutboxSchema {
    /// Gives each event to the subscriptions that are registered, whoever inserts it.
    static let fanOut = """
        CREATE FUNCTION outbox_matches(_type text, _types text[], _prefixes text[]) RETURNS boolean
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT _type = ANY (_types)
                OR EXISTS (SELECT FROM unnest(_prefixes) p WHERE starts_with(_type, p) AND length(_type) > length(p))
        $$;

        CREATE FUNCTION outbox_fan_out() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        DECLARE
            seen bigint;
            given bigint;
        BEGIN
            -- In this order: a subscription that is registered in between is late, and no event of it is missed.
            SELECT number INTO seen FROM outbox_registration;
            SELECT last_value INTO given FROM outbox_registrations;
            INSERT INTO outbox_deliveries (subscription, sequence, orderingkey)
            SELECT s.subscription, e.sequence, e.orderingkey
            -- As outbox_matches has it, which would be called for each row.
            FROM new_events e JOIN outbox_subscriptions s ON e.type = ANY (s.types)
                OR EXISTS (SELECT FROM unnest(s.prefixes) p WHERE starts_with(e.type, p) AND length(e.type) > length(p));
            IF seen < given THEN
                INSERT INTO outbox_late (sequence, number) SELECT e.sequence, seen FROM new_events e;
            END IF;
            IF EXISTS (SELECT FROM outbox_relays WHERE idle) THEN
                PERFORM pg_notify('aftercommit_outbox', '');
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER outbox_fan_out AFTER INSERT ON outbox_events REFERENCING NEW TABLE AS new_events
        FOR EACH STATEMENT EXECUTE FUNCTION outbox_fan_out();
        """
}
#endif

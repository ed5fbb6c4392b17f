#if Postgres
extension OutboxSchema {
    /// Gives each event to the subscriptions that are registered, whoever inserts it.
    static let fanOut = """
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
            FROM new_events e JOIN outbox_subscriptions s ON \(matches("e.type", "s"));
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

    /// Whether a subscription's row takes a type, as ``EventTypeSelection/contains(_:)`` has it. Text, for a function in SQL
    /// would be called for each row.
    static func matches(_ type: String, _ subscription: String) -> String {
        matches(type, types: "\(subscription).types", prefixes: "\(subscription).prefixes")
    }

    /// Whether it takes a type that it has taken only since its last change.
    static func matchesAdded(_ type: String, _ subscription: String) -> String {
        """
        (\(matches(type, subscription)) AND NOT \
        \(matches(type, types: "\(subscription).formertypes", prefixes: "\(subscription).formerprefixes")))
        """
    }

    private static func matches(_ type: String, types: String, prefixes: String) -> String {
        """
        (\(type) = ANY (\(types)) OR EXISTS (SELECT FROM unnest(\(prefixes)) p \
        WHERE starts_with(\(type), p) AND length(\(type)) > length(p)))
        """
    }
}
#endif

#if Postgres
extension OutboxSchema {
    /// Frees what relays hold whose leases have run out. Waits for nobody: neither for a claim that is under way, nor for a
    /// transaction that settles one of the deliveries. A lapsed relay stays on record until it has nothing any more.
    static let leases = """
        CREATE FUNCTION outbox_reap() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            freed bigint;
        BEGIN
            WITH gone AS (
                DELETE FROM outbox_relays WHERE epoch IN (
                    SELECT epoch FROM outbox_relays WHERE expires < clock_timestamp() FOR UPDATE SKIP LOCKED)
                RETURNING epoch)
            INSERT INTO outbox_lapsed (epoch) SELECT epoch FROM gone;
            IF NOT EXISTS (SELECT FROM outbox_lapsed) THEN
                RETURN 0;
            END IF;
            -- A statement of its own: it sees what they claimed until their leases were gone.
            UPDATE outbox_deliveries SET epoch = NULL WHERE ctid = ANY (ARRAY(
                SELECT d.ctid FROM outbox_deliveries d WHERE d.epoch IN (SELECT epoch FROM outbox_lapsed)
                FOR UPDATE OF d SKIP LOCKED));
            GET DIAGNOSTICS freed = ROW_COUNT;
            DELETE FROM outbox_lapsed l WHERE NOT EXISTS (SELECT FROM outbox_deliveries d WHERE d.epoch = l.epoch);
            RETURN freed;
        END $$;
        """
}
#endif

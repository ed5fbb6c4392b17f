#if Postgres
extension OutboxSchema {
    /// The events, insert-only, with the columns of an outbox router; what is to be done with them; who delivers.
    static let tables = """
        CREATE TABLE outbox_events (
            sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
            aggregatetype text NOT NULL,
            aggregateid text NOT NULL,
            type text NOT NULL CHECK (type <> ''),
            payload jsonb,
            payloadbytes bytea,
            source text NOT NULL DEFAULT '/',
            time timestamptz NOT NULL DEFAULT clock_timestamp(),
            schemaversion integer NOT NULL DEFAULT 1,
            orderingkey varchar(400),
            headers jsonb NOT NULL DEFAULT '{}',
            contenttype text NOT NULL DEFAULT 'application/json',
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        );

        CREATE TYPE outbox_state AS ENUM ('ready', 'retrying', 'blocked', 'parked', 'dead');

        CREATE TABLE outbox_deliveries (
            subscription integer NOT NULL,
            sequence bigint NOT NULL,
            state outbox_state NOT NULL DEFAULT 'ready',
            epoch bigint,
            orderingkey varchar(400),
            due timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            replays integer NOT NULL DEFAULT 0,
            spent double precision NOT NULL DEFAULT 0,
            failures jsonb,
            reason text,
            deadsince timestamptz,
            blockskey boolean NOT NULL DEFAULT false,
            settling boolean NOT NULL DEFAULT false,
            PRIMARY KEY (sequence, subscription)
        ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX outbox_deliveries_ready ON outbox_deliveries (subscription, sequence) WHERE state = 'ready';
        CREATE INDEX outbox_deliveries_due ON outbox_deliveries (subscription, due) WHERE state = 'retrying';
        CREATE INDEX outbox_deliveries_key ON outbox_deliveries (subscription, orderingkey, sequence) WHERE orderingkey IS NOT NULL;
        CREATE INDEX outbox_deliveries_exceptions ON outbox_deliveries (subscription, state, sequence) WHERE state <> 'ready';
        CREATE TABLE outbox_subscriptions (
            subscription integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL UNIQUE,
            types text[] NOT NULL,
            prefixes text[] NOT NULL,
            number bigint NOT NULL,
            beginning boolean NOT NULL,
            snapshot pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            active boolean NOT NULL DEFAULT false,
            formertypes text[] NOT NULL DEFAULT '{}',
            formerprefixes text[] NOT NULL DEFAULT '{}',
            addedsnapshot pg_snapshot,
            formernumber bigint NOT NULL DEFAULT 0,
            seen timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE SEQUENCE outbox_registrations;
        CREATE TABLE outbox_registration (number bigint NOT NULL);
        INSERT INTO outbox_registration SELECT nextval('outbox_registrations');
        CREATE TABLE outbox_late (sequence bigint NOT NULL, number bigint NOT NULL);
        CREATE TABLE outbox_relays (
            epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            expires timestamptz NOT NULL,
            idle boolean NOT NULL DEFAULT false,
            subscriptions integer[] NOT NULL DEFAULT '{}'
        );
        CREATE TABLE outbox_removed (
            subscription integer PRIMARY KEY,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        );
        CREATE TABLE outbox_lapsed (epoch bigint PRIMARY KEY);

        CREATE TABLE outbox_delayed (
            id uuid PRIMARY KEY,
            deliverat timestamptz NOT NULL,
            aggregatetype text NOT NULL,
            aggregateid text NOT NULL,
            type text NOT NULL CHECK (type <> ''),
            payload jsonb,
            payloadbytes bytea,
            source text NOT NULL,
            time timestamptz NOT NULL,
            schemaversion integer NOT NULL,
            orderingkey varchar(400),
            headers jsonb NOT NULL,
            contenttype text NOT NULL
        );
        CREATE INDEX outbox_delayed_deliverat ON outbox_delayed (deliverat, id);

        CREATE TABLE outbox_deduplication (
            key text PRIMARY KEY,
            id uuid NOT NULL,
            fingerprint bigint NOT NULL,
            emitted timestamptz NOT NULL
        );
        CREATE INDEX outbox_deduplication_emitted ON outbox_deduplication (emitted);
        """
}
#endif

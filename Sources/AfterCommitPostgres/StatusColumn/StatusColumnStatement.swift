#if Postgres
/// The statements of one table's status column, each prepared once for each connection.
struct StatusColumnStatement: Sendable {
    /// What every server that delivers from the table wants for itself, on a connection that it keeps.
    static let tryLock = "SELECT pg_try_advisory_lock(\(lockedTable))"
    /// Rows are taken in the order of an index, a bounded number at a time. A planner whose statistics are older than the backlog
    /// would read and sort all of it instead.
    static let useIndexes = """
        SELECT set_config('enable_sort', 'off', false), set_config('enable_bitmapscan', 'off', false),
            set_config('enable_seqscan', 'off', false)
        """
    static let unlock = "SELECT pg_advisory_unlock_all()"
    /// The same for as long as a transaction lasts.
    static let tryLockHere = "SELECT pg_try_advisory_xact_lock(\(lockedTable))"
    /// The table itself and not its name: another schema may have one of the same name.
    private static let lockedTable = "hashtext('aftercommit_columns'), to_regclass($1)::oid::integer"
    static let notify = "SELECT pg_notify('aftercommit_outbox', '')"
    static let subscription = """
        SELECT subscription FROM aftercommit_columns WHERE name = $1 AND subscription IS NOT NULL
        """
    static let setSubscription = """
        INSERT INTO aftercommit_columns (name, subscription) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET subscription = excluded.subscription
        """

    /// Rows with an event that was never tried.
    private static let new = "event_status = 'pending' AND event_due IS NULL AND event_key IS NULL"
    private static let retrying = "event_status = 'pending' AND event_due IS NOT NULL AND event_due < 'infinity'"
    private static let parked = "event_status = 'pending' AND event_due = 'infinity'"
    private static let blocked = "event_status = 'pending' AND event_key IS NOT NULL"
    /// A row stays failed when its dead letter is deleted, and has no place any more.
    private static let dead = "event_status = 'failed' AND event_sequence IS NOT NULL"

    // MARK: Storing

    let mark: String
    let exists: String
    let stored: String
    let newestID: String
    let markedByHand: String
    let adopt: String

    // MARK: Delivering

    let unpark: String
    let orderedKeys: String
    let findNew: String
    let findDue: String
    let nextDue: String
    let findBlocked: String
    let findPending: String
    let unsettled: String
    let lock: String
    let succeed: String
    let settle: String
    /// Some may have been settled by an answer that was lost. Rare, so it may take long: no index has what is settled.
    let settleAgain: String

    // MARK: Looking

    let ofKey: String
    let counts: String
    /// Counts by their own indexes, without the backlog.
    let exceptionCounts: String
    let readyEstimate: String
    let oldest: String
    let appended: String
    let ownColumns: String
    let listDelivered: String
    let listPending: String
    let listDead: String
    let listAll: String

    // MARK: Dead letters

    let lockDead: String
    let redrive: String
    let deleteDead: String
    let forgetPending: String
    let forgetDead: String

    init(_ column: StatusColumn) {
        let table = column.name
        let key = column.keyName
        let sequence = StatusColumnSchema(column: column).sequence
        let all = "SELECT * FROM \(table) WHERE"
        let assignments = """
            event_status = 'pending', event_id = $1, event_sequence = nextval(\(StatusColumn.literal(sequence))),
                event_attempts = 0, event_due = NULL, event_key = NULL, event_error = NULL, event_detail = $2
            """
        mark = """
            UPDATE \(table) SET \(assignments)
            WHERE \(key) = $3 AND event_status IS DISTINCT FROM 'pending' RETURNING event_sequence
            """
        exists = "SELECT EXISTS (SELECT FROM \(table) WHERE \(key) = $1)"
        stored = "SELECT EXISTS (SELECT FROM \(table) WHERE event_id = ANY ($1))"
        newestID = "SELECT event_id FROM \(table) WHERE event_id IS NOT NULL ORDER BY event_id DESC LIMIT 1"
        // What somebody has locked is marked the next time: the connection that looks for it is the one that delivers.
        markedByHand = """
            SELECT tableoid::bigint AS event_table, ctid::text AS event_place, * FROM \(table)
            WHERE event_status = 'pending' AND event_sequence IS NULL LIMIT 1000 FOR UPDATE SKIP LOCKED
            """
        adopt = """
            UPDATE \(table) SET \(assignments)
            WHERE ctid = $4::text::tid AND tableoid::bigint = $3 AND event_status = 'pending' AND event_sequence IS NULL
            """

        unpark = "UPDATE \(table) SET event_due = $1 WHERE \(Self.parked)"
        orderedKeys = """
            SELECT event_detail ->> 'orderingKey', min(event_sequence) FILTER (WHERE event_due IS NOT NULL),
                min(event_sequence) FILTER (WHERE event_status = 'failed'
                    AND event_detail -> 'delivery' ->> 'blocksKey' = 'true'),
                count(*) FILTER (WHERE event_key IS NOT NULL), min(event_sequence) FILTER (WHERE event_key IS NOT NULL)
            FROM \(table)
            WHERE (event_status = 'pending' AND (event_due IS NOT NULL OR event_key IS NOT NULL) OR \(Self.dead))
                AND event_detail ->> 'orderingKey' IS NOT NULL
            GROUP BY 1
            """
        // What commits later may have a smaller number: they are found by what they are, not by where they come.
        findNew = """
            \(all) \(Self.new) AND event_sequence IS NOT NULL AND event_sequence <> ALL ($1)
            ORDER BY event_sequence LIMIT $2
            """
        findDue = """
            \(all) \(Self.retrying) AND event_due <= $2 AND event_sequence <> ALL ($1)
            ORDER BY event_due, event_sequence LIMIT $3
            """
        nextDue = """
            SELECT min(event_due) FROM \(table) WHERE \(Self.retrying) AND event_due > $2 AND event_sequence <> ALL ($1)
            """
        findBlocked = """
            \(all) \(Self.blocked) AND event_key = $1 AND event_sequence <> ALL ($2) ORDER BY event_sequence LIMIT $3
            """
        findPending = "\(all) event_status = 'pending' AND event_sequence = ANY ($1) ORDER BY event_sequence"
        unsettled = """
            SELECT event_sequence FROM \(table)
            WHERE (event_status = 'pending' OR \(Self.dead)) AND event_sequence = ANY ($1)
            """
        lock = "SELECT FROM \(table) WHERE event_status = 'pending' AND event_sequence = $1 FOR UPDATE"
        succeed = """
            UPDATE \(table) SET event_status = 'succeeded', event_due = NULL, event_key = NULL, event_error = NULL
            WHERE event_status = 'pending' AND event_sequence = ANY ($1) RETURNING event_sequence
            """
        func record(from status: String, _ parameter: String) -> String {
            """
            UPDATE \(table) AS r SET event_status = g.status,
                event_due = CASE WHEN g.parked THEN 'infinity' ELSE to_timestamp(g.due) END, event_key = g.key,
                event_attempts = g.attempts, event_error = g.error, event_detail = g.detail
            FROM jsonb_to_recordset(\(parameter)) AS g(sequence bigint, status text, due double precision, parked boolean,
                key text, attempts integer, error text, detail jsonb)
            WHERE r.event_status = '\(status)' AND r.event_sequence = g.sequence RETURNING r.event_sequence
            """
        }
        settle = """
            WITH delivered AS (\(succeed)), recorded AS (\(record(from: "pending", "$2")))
            SELECT event_sequence FROM delivered UNION ALL SELECT event_sequence FROM recorded
            """
        settleAgain = """
            \(settle) UNION ALL SELECT event_sequence FROM \(table)
                WHERE event_status IN ('succeeded', 'failed') AND event_sequence = ANY ($3)
            """

        ofKey = "\(all) \(key) = $1 LIMIT 1"
        counts = """
            SELECT count(*) FILTER (WHERE \(Self.retrying)), count(*) FILTER (WHERE \(Self.blocked)),
                count(*) FILTER (WHERE \(Self.parked)), count(*) FILTER (WHERE \(Self.dead)),
                count(*) FILTER (WHERE \(Self.new))
            FROM \(table) WHERE event_status = 'pending' OR \(Self.dead)
            """
        exceptionCounts = """
            SELECT count(*) FILTER (WHERE \(Self.retrying)), count(*) FILTER (WHERE \(Self.blocked)),
                count(*) FILTER (WHERE \(Self.parked)), (SELECT count(*) FROM \(table) WHERE \(Self.dead))
            FROM \(table) WHERE event_due IS NOT NULL OR event_key IS NOT NULL
            """
        readyEstimate = """
            SELECT CASE WHEN few.count <= 1000 THEN few.count ELSE (
                    SELECT max(event_sequence) - min(event_sequence) + 1 FROM \(table) WHERE \(Self.new)) END
            FROM (SELECT count(*) FROM (SELECT FROM \(table) WHERE \(Self.new) LIMIT 1001) one) few
            """
        oldest = "SELECT event_detail FROM \(table) WHERE \(Self.new) ORDER BY event_sequence LIMIT 1"
        appended = "SELECT coalesce(pg_sequence_last_value(\(StatusColumn.literal(sequence))::regclass), 0)"
        ownColumns = """
            SELECT event_sequence, (to_jsonb(r) - ARRAY['event_status', 'event_id', 'event_sequence', 'event_attempts',
                'event_due', 'event_error', 'event_key', 'event_detail'])::text
            FROM \(table) r WHERE event_sequence = ANY ($1)
            """
        func list(_ condition: String) -> String {
            "\(all) \(condition) AND event_sequence > $1 ORDER BY event_sequence LIMIT $2"
        }
        listDelivered = list("event_status = 'succeeded'")
        listPending = list("event_status = 'pending'")
        listDead = list(Self.dead)
        listAll = list("event_status IS NOT NULL")

        lockDead = "\(all) \(Self.dead) AND event_sequence = ANY ($1) ORDER BY event_sequence FOR UPDATE"
        redrive = record(from: "failed", "$1")
        deleteDead = """
            UPDATE \(table) SET event_sequence = NULL WHERE \(Self.dead) AND event_sequence = ANY ($1)
            RETURNING event_sequence
            """
        forgetPending = """
            UPDATE \(table) SET event_attempts = 0, event_due = NULL, event_key = NULL, event_error = NULL,
                event_detail = event_detail - 'delivery'
            WHERE event_status = 'pending' AND event_sequence IS NOT NULL
                AND (event_due IS NOT NULL OR event_key IS NOT NULL OR event_attempts > 0 OR event_detail ? 'delivery')
            """
        forgetDead = "UPDATE \(table) SET event_sequence = NULL WHERE \(Self.dead)"
    }
}
#endif

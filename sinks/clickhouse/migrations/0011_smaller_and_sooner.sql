-- Fewer bytes an access, and answers from fewer of them. docs/decisions/0023-what-an-access-costs-to-keep.md
-- has the figures and what was tried. Nothing here rewrites a row: parts of before take the new codecs with
-- their next merge, and are given the new indexes and projections in the background.

-- Numbers that are random within a range: T64 keeps the bits of the range, where Delta adds one and a sign.
ALTER TABLE access_log
    MODIFY COLUMN time CODEC(T64, ZSTD(1)),
    MODIFY COLUMN sequence CODEC(T64, ZSTD(1)),
    MODIFY COLUMN offset CODEC(T64, ZSTD(1)),
    MODIFY COLUMN item_count CODEC(T64, ZSTD(1)),
    MODIFY COLUMN content_bytes CODEC(T64, ZSTD(1)),
    -- Of these a part has few values: one or two of a range.
    MODIFY COLUMN received_at CODEC(ZSTD(1)),
    MODIFY COLUMN judged_at CODEC(ZSTD(1)),
    MODIFY COLUMN recorded_at CODEC(ZSTD(1)),
    MODIFY COLUMN id CODEC(ZSTD(3)),
    MODIFY COLUMN actor_id CODEC(ZSTD(3)),
    MODIFY COLUMN customer_id CODEC(ZSTD(3)),
    MODIFY COLUMN operation_id CODEC(ZSTD(3)),
    MODIFY COLUMN ip CODEC(ZSTD(3)),
    MODIFY COLUMN evidence_used CODEC(ZSTD(3)),
    -- The places in a dictionary were kept by LZ4, in nearly twice the bytes.
    MODIFY COLUMN source CODEC(ZSTD(1)),
    MODIFY COLUMN producer CODEC(ZSTD(1)),
    MODIFY COLUMN actor_type CODEC(ZSTD(1)),
    MODIFY COLUMN organization CODEC(ZSTD(1)),
    MODIFY COLUMN actor_team CODEC(ZSTD(1)),
    MODIFY COLUMN action CODEC(ZSTD(1)),
    MODIFY COLUMN resource_type CODEC(ZSTD(1)),
    MODIFY COLUMN outcome CODEC(ZSTD(1)),
    MODIFY COLUMN purpose CODEC(ZSTD(1)),
    MODIFY COLUMN recipient CODEC(ZSTD(1)),
    MODIFY COLUMN user_agent CODEC(ZSTD(1)),
    MODIFY COLUMN verdict CODEC(ZSTD(1)),
    MODIFY COLUMN reason CODEC(ZSTD(1)),
    MODIFY COLUMN clause CODEC(ZSTD(1)),
    MODIFY COLUMN policy_version CODEC(ZSTD(1)),
    MODIFY COLUMN policy_digest CODEC(ZSTD(1)),
    MODIFY COLUMN derived CODEC(ZSTD(1)),
    MODIFY COLUMN topic CODEC(ZSTD(1));

-- The first 48 bits of an id: of a version 7 id the millisecond at which it was made. One entry for a whole
-- part, so that an id is looked for in the parts of its day and not in the bloom filters of all days.
ALTER TABLE access_log
    ADD INDEX by_id_time toUInt64(bitShiftRight(toUInt128(id), 80)) TYPE minmax GRANULARITY 1024;

-- Where an actor's and a resource's rows are in a part, for readers. The bloom filters stay for workers, which
-- page along the sort key, where ClickHouse looks into no such projection. Readers leave them out: a filter has
-- to be read whole for each question, and lets nearly every granule through for an actor of some thousand accesses.
ALTER TABLE access_log
    ADD PROJECTION by_actor INDEX actor_id TYPE basic,
    ADD PROJECTION by_resource INDEX resource_id TYPE basic;

-- Counts of first verdicts, kept with each part, so always those of its rows. Readers put them right by the
-- accesses that were judged again (earwitness/query/counts.py). Customers, who use what is theirs, are one actor
-- here: by name they would be a sixth as many rows as there are accesses.
ALTER TABLE access_log
    ADD PROJECTION counts_by_hour
    (
        SELECT received_day, toStartOfHour(time), verdict, clause, count()
        GROUP BY received_day, toStartOfHour(time), verdict, clause
    ),
    ADD PROJECTION counts_by_actor
    (
        SELECT received_day, toDate(time), actor_type, if(actor_type = 'customer', '', actor_id), verdict, count()
        GROUP BY received_day, toDate(time), actor_type, if(actor_type = 'customer', '', actor_id), verdict
    );

-- Rows that are deleted by hand take their counts with them.
ALTER TABLE access_log MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';

-- Which access a later verdict is about, and what its first verdict was: a question that counts verdicts need
-- not look the access up. A row of before, or of an older worker, has no first verdict, and is looked up.
ALTER TABLE verdict_log
    ADD COLUMN time DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)) AFTER source,
    ADD COLUMN actor_type LowCardinality(String) CODEC(ZSTD(1)) AFTER time,
    ADD COLUMN actor_id String CODEC(ZSTD(1)) AFTER actor_type,
    ADD COLUMN first_verdict LowCardinality(String) CODEC(ZSTD(1)) AFTER actor_id,
    ADD COLUMN first_clause LowCardinality(String) CODEC(ZSTD(1)) AFTER first_verdict;

-- As in 0005_register_heartbeats.sql, with the first verdict of each access beside its newest.
CREATE OR REPLACE VIEW trail DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT
    a.id AS id, a.time AS time, a.source AS source, a.producer AS producer, a.sequence AS sequence,
    a.actor_type AS actor_type, a.actor_id AS actor_id, a.organization AS organization,
    a.actor_team AS actor_team, a.action AS action, a.resource_type AS resource_type,
    a.resource_id AS resource_id, a.customer_id AS customer_id, a.outcome AS outcome,
    a.purpose AS purpose, a.evidence_ref AS evidence_ref, a.recipient AS recipient,
    a.operation_id AS operation_id, a.session_id AS session_id, a.trace_id AS trace_id, a.ip AS ip,
    a.user_agent AS user_agent, a.item_count AS item_count, a.content_bytes AS content_bytes,
    a.unknown_fields AS unknown_fields,
    a.verdict AS first_verdict, a.reason AS first_reason, a.clause AS first_clause,
    if(v.judged_again, v.verdict, a.verdict) AS verdict,
    if(v.judged_again, v.reason, a.reason) AS reason,
    if(v.judged_again, v.clause, a.clause) AS clause,
    if(v.judged_again, v.policy_version, a.policy_version) AS policy_version,
    if(v.judged_again, v.policy_digest, a.policy_digest) AS policy_digest,
    if(v.judged_again, v.evidence_used, a.evidence_used) AS evidence_used,
    if(v.judged_again, v.evidence_version, a.evidence_version) AS evidence_version,
    if(v.judged_again, v.derived, a.derived) AS derived,
    v.judged_again AND v.late AS late,
    if(v.judged_again, v.stale_registers, a.stale_registers) AS stale_registers,
    a.received_at AS received_at,
    if(v.judged_again, v.judged_at, a.judged_at) AS judged_at,
    a.recorded_at AS recorded_at,
    a.topic AS topic, a.partition AS partition, a.offset AS offset, a.received_day AS received_day
FROM access_log AS a
LEFT ANY JOIN
(
    WITH (verdict_log.evidence_version, verdict_log.judged_at) AS newest
    SELECT
        received_day, id, source, true AS judged_again,
        argMax(verdict_log.verdict, newest) AS verdict,
        argMax(verdict_log.reason, newest) AS reason,
        argMax(verdict_log.clause, newest) AS clause,
        argMax(verdict_log.policy_version, newest) AS policy_version,
        argMax(verdict_log.policy_digest, newest) AS policy_digest,
        argMax(verdict_log.evidence_used, newest) AS evidence_used,
        argMax(verdict_log.evidence_version, newest) AS evidence_version,
        argMax(verdict_log.derived, newest) AS derived,
        argMax(verdict_log.late, newest) AS late,
        argMax(verdict_log.judged_at, newest) AS judged_at,
        argMax(verdict_log.stale_registers, newest) AS stale_registers
    FROM verdict_log
    GROUP BY received_day, id, source
) AS v ON a.received_day = v.received_day AND a.id = v.id AND a.source = v.source;

-- As in 0006_replay_views.sql, with what a later verdict says of its access.
CREATE OR REPLACE VIEW later_verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT received_day, id, source, verdict, reason, clause, evidence_version, judged_at,
       time, actor_type, actor_id, first_verdict, first_clause
FROM verdict_log;

-- The parts that are there, in the background.
ALTER TABLE access_log
    MATERIALIZE INDEX by_id_time,
    MATERIALIZE PROJECTION by_actor,
    MATERIALIZE PROJECTION by_resource,
    MATERIALIZE PROJECTION counts_by_hour,
    MATERIALIZE PROJECTION counts_by_actor;

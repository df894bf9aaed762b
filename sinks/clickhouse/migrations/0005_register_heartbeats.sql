-- Each beat of each register, kept without a limit: an old verdict's "overdue by 2 h" is told from them.
-- The store sets `beat_at`, so that all beats are on one clock and none lies in the future. `every_s` 0
-- retires a register. Asked for every few seconds is the newest beat of each, which the projection holds.
CREATE TABLE register_heartbeats
(
    register   LowCardinality(String),
    beat_at    DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),
    every_s    UInt32 CODEC(ZSTD(1)),
    kinds      Array(LowCardinality(String)) CODEC(ZSTD(1)),
    written_by LowCardinality(String),

    PROJECTION newest
    (
        SELECT register, max(beat_at), argMax(every_s, beat_at), argMax(kinds, beat_at),
               argMax(written_by, beat_at)
        GROUP BY register
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(beat_at)
ORDER BY (register, beat_at);

-- Every register by its newest beat.
CREATE VIEW registers DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT register AS name, newest.2 AS kinds, newest.1 AS every_s, last_beat_at AS beat_at,
       newest.3 AS written_by
FROM
(
    SELECT register, max(beat_at) AS last_beat_at,
           (argMax(every_s, beat_at), argMax(kinds, beat_at), argMax(written_by, beat_at)) AS newest
    FROM register_heartbeats
    GROUP BY register
);

-- The registers that were overdue when a verdict was given, of those that it could have used.
ALTER TABLE access_log ADD COLUMN stale_registers Array(String) DEFAULT [] CODEC(ZSTD(1)) AFTER derived;

ALTER TABLE verdict_log ADD COLUMN stale_registers Array(String) DEFAULT [] CODEC(ZSTD(1)) AFTER late;

-- As in 0002_views.sql, with that column, and made for a verdict_log of millions: the days are part of the
-- join, so that a question about some of them reads no other day's verdicts; and each column is an aggregate
-- of its own, so that a question pays for those it asks for.
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

-- Every verdict an access ever had, the first included.
CREATE OR REPLACE VIEW verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT id, source, verdict, reason, clause, policy_version, policy_digest, evidence_used,
       evidence_version, derived, false AS late, stale_registers, judged_at, recorded_at
FROM access_log
UNION ALL
SELECT id, source, verdict, reason, clause, policy_version, policy_digest, evidence_used,
       evidence_version, derived, late, stale_registers, judged_at, recorded_at
FROM verdict_log;

-- Readers are granted these views and nothing else, so a view looks underneath with the rights of
-- earwitness_views, a user that may SELECT from the tables and that nobody can log in as.

-- access_log with the newest verdict of each access.
CREATE VIEW trail DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT
    a.id AS id, a.time AS time, a.source AS source, a.producer AS producer, a.sequence AS sequence,
    a.actor_type AS actor_type, a.actor_id AS actor_id, a.organization AS organization,
    a.actor_team AS actor_team, a.action AS action, a.resource_type AS resource_type,
    a.resource_id AS resource_id, a.customer_id AS customer_id, a.outcome AS outcome,
    a.purpose AS purpose, a.evidence_ref AS evidence_ref, a.recipient AS recipient,
    a.operation_id AS operation_id, a.session_id AS session_id, a.trace_id AS trace_id, a.ip AS ip,
    a.user_agent AS user_agent, a.item_count AS item_count, a.content_bytes AS content_bytes,
    a.unknown_fields AS unknown_fields,
    if(v.judged_again, v.latest.1, a.verdict) AS verdict,
    if(v.judged_again, v.latest.2, a.reason) AS reason,
    if(v.judged_again, v.latest.3, a.clause) AS clause,
    if(v.judged_again, v.latest.4, a.policy_version) AS policy_version,
    if(v.judged_again, v.latest.5, a.policy_digest) AS policy_digest,
    if(v.judged_again, v.latest.6, a.evidence_used) AS evidence_used,
    if(v.judged_again, v.latest.7, a.evidence_version) AS evidence_version,
    if(v.judged_again, v.latest.8, a.derived) AS derived,
    v.judged_again AND v.latest.9 AS late,
    a.received_at AS received_at,
    if(v.judged_again, v.latest.10, a.judged_at) AS judged_at,
    a.recorded_at AS recorded_at,
    a.topic AS topic, a.partition AS partition, a.offset AS offset, a.received_day AS received_day
FROM access_log AS a
LEFT ANY JOIN
(
    SELECT
        id, source, true AS judged_again,
        argMax(
            tuple(verdict, reason, clause, policy_version, policy_digest, evidence_used,
                  evidence_version, derived, late, judged_at),
            (evidence_version, judged_at)
        ) AS latest
    FROM verdict_log
    GROUP BY id, source
) AS v ON a.id = v.id AND a.source = v.source;

-- Every verdict an access ever had, the first included.
CREATE VIEW verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT id, source, verdict, reason, clause, policy_version, policy_digest, evidence_used,
       evidence_version, derived, false AS late, judged_at, recorded_at
FROM access_log
UNION ALL
SELECT id, source, verdict, reason, clause, policy_version, policy_digest, evidence_used,
       evidence_version, derived, late, judged_at, recorded_at
FROM verdict_log;

-- Every version of every evidence record, once.
CREATE VIEW evidence DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT ref, version, kind, customer_ids, assignees, organization, status, origin, recorded_by,
       record, registered_at
FROM evidence_log
LIMIT 1 BY ref, version;

CREATE VIEW activity DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT id, time, principal, surface, action, query, customer_ids, row_count FROM activity_log;

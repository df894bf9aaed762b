-- Alerts, appended only. An alert is the sum of its entries; an entry that is written twice is one, by its id.
-- docs/decisions/0028-alerts.md says why.
CREATE TABLE alert_log
(
    alert_id     UUID,
    entry_id     UUID,
    at           DateTime64(6, 'UTC'),
    kind         LowCardinality(String),
    done_by      String,
    rule         LowCardinality(String),
    rule_digest  LowCardinality(String),
    severity     LowCardinality(String),
    title        String,
    fingerprint  String,
    grouping     Map(String, String),
    first_at     Nullable(DateTime64(6, 'UTC')),
    last_at      Nullable(DateTime64(6, 'UTC')),
    access_count UInt64,
    text         String,
    outcome      LowCardinality(String),
    assignee     String
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, entry_id);

-- The accesses that belong to an alert.
CREATE TABLE alert_member_log
(
    alert_id    UUID,
    source      LowCardinality(String),
    id          UUID,
    time        DateTime64(6, 'UTC'),
    actor_id    String,
    customer_id String,
    verdict     LowCardinality(String),
    reason      LowCardinality(String),
    added_at    DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree
ORDER BY (alert_id, source, id);

-- What became of each try to tell somebody: kept as evidence that they were told.
CREATE TABLE delivery_log
(
    notice_id String,
    alert_id  UUID,
    channel   LowCardinality(String),
    attempt   UInt32,
    at        DateTime64(6, 'UTC'),
    status    LowCardinality(String),
    code      UInt16,
    answer    String,
    took_ms   UInt32
)
ENGINE = MergeTree
ORDER BY (alert_id, at);

-- The newest row of a silence counts: its expiry may be brought forward.
CREATE TABLE silence_log
(
    silence_id UUID,
    rule       LowCardinality(String),
    grouping   Map(String, String),
    reason     String,
    created_at DateTime64(6, 'UTC'),
    created_by String,
    expires_at DateTime64(6, 'UTC'),
    written_at DateTime64(6, 'UTC') DEFAULT now64(6),
    written_by String
)
ENGINE = MergeTree
ORDER BY (silence_id, written_at);

CREATE VIEW alert_entries DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT alert_id, entry_id, at, kind, done_by, rule, rule_digest, severity, title, fingerprint, grouping,
       first_at, last_at, access_count, text, outcome, assignee
FROM alert_log FINAL;

CREATE VIEW alert_members DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT alert_id, source, id, time, actor_id, customer_id, verdict, reason, added_at
FROM alert_member_log FINAL;

CREATE VIEW alert_deliveries DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT notice_id, alert_id, channel, attempt, at, status, code, answer, took_ms FROM delivery_log;

CREATE VIEW silences DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT silence_id, argMax(rule, written_at) AS rule, argMax(grouping, written_at) AS grouping,
       argMax(reason, written_at) AS reason, min(created_at) AS created_at,
       argMin(created_by, written_at) AS created_by, argMax(expires_at, written_at) AS expires_at,
       argMax(written_by, written_at) AS written_by
FROM silence_log
GROUP BY silence_id;

-- Each alert as it stands now.
CREATE VIEW alerts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT
    e.alert_id AS alert_id,
    anyIf(e.rule, e.kind = 'raised') AS rule,
    anyIf(e.rule_digest, e.kind = 'raised') AS rule_digest,
    anyIf(e.severity, e.kind = 'raised') AS severity,
    anyIf(e.title, e.kind = 'raised') AS title,
    anyIf(e.fingerprint, e.kind = 'raised') AS fingerprint,
    anyIf(e.grouping, e.kind = 'raised') AS grouping,
    minIf(e.at, e.kind = 'raised') AS raised_at,
    transform(
        argMaxIf(toString(e.kind), e.at, e.kind IN ('raised', 'acknowledged', 'closed', 'reopened')),
        ['raised', 'acknowledged', 'closed', 'reopened'], ['open', 'acknowledged', 'closed', 'open'], ''
    ) AS state,
    maxIf(e.at, e.kind IN ('raised', 'acknowledged', 'closed', 'reopened')) AS state_since,
    argMaxIf(e.done_by, e.at, e.kind IN ('raised', 'acknowledged', 'closed', 'reopened')) AS state_by,
    argMaxIf(e.outcome, e.at, e.kind IN ('closed', 'reopened')) AS outcome,
    argMaxIf(e.text, e.at, e.kind = 'closed') AS closing_note,
    argMaxIf(e.assignee, e.at, e.kind = 'assigned') AS assignee,
    countIf(e.kind = 'silenced') > 0 AS silenced,
    countIf(e.kind = 'stated') AS statement_count,
    if(any(m.member_count) = 0, minIf(e.first_at, e.kind = 'raised'), any(m.first_at)) AS first_at,
    if(any(m.member_count) = 0, maxIf(e.last_at, e.kind = 'raised'), any(m.last_at)) AS last_at,
    greatest(maxIf(e.access_count, e.kind = 'raised'), any(m.member_count)) AS access_count
FROM (SELECT * FROM alert_log FINAL) AS e
LEFT ANY JOIN
(
    SELECT alert_id, count() AS member_count, min(time) AS first_at, max(time) AS last_at
    FROM alert_member_log FINAL
    GROUP BY alert_id
) AS m ON e.alert_id = m.alert_id
GROUP BY e.alert_id
HAVING rule != '';

-- What a backtest reads: each verdict as it was given, when alerts were raised by it. With the columns of `trail`.
CREATE VIEW first_verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT id, time, source, producer, sequence, actor_type, actor_id, organization, actor_team, action,
       resource_type, resource_id, customer_id, outcome, purpose, evidence_ref, recipient, operation_id,
       session_id, trace_id, ip, user_agent, item_count, content_bytes, unknown_fields,
       verdict, reason, clause, policy_version, policy_digest, evidence_used, evidence_version, derived,
       false AS late, stale_registers, received_at, judged_at, recorded_at, topic, partition, offset, received_day
FROM access_log;

CREATE VIEW further_verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT id, source, verdict, reason, clause, policy_version, policy_digest, evidence_used, evidence_version,
       derived, late, stale_registers, judged_at, recorded_at, received_day
FROM verdict_log;

-- Fewer bytes an access, and answers from fewer of them. docs/decisions/0024-what-an-access-costs-to-keep.md
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

-- As in 0006_replay_views.sql, with all that a search asks of the event: it finds the accesses here, without
-- the join, and reads those that it shows of `trail`.
CREATE OR REPLACE VIEW accesses DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT received_day, id, source, time, received_at, actor_type, actor_id, organization, actor_team, action,
       resource_type, resource_id, customer_id, purpose, evidence_ref, recipient, verdict, reason, clause,
       producer, sequence, outcome, operation_id, session_id, trace_id, ip, user_agent, item_count,
       content_bytes, recorded_at, topic, partition, offset
FROM access_log;

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

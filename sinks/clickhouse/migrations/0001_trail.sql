-- One row per access with its first verdict, never changed. Sorted for the question asked most,
-- "who touched this customer, when"; the other questions have an index each.
-- docs/decisions/0004-sort-key-and-partitions.md says why.
CREATE TABLE access_log
(
    received_day     Date CODEC(ZSTD(1)),
    id               UUID CODEC(ZSTD(1)),
    time             DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    source           LowCardinality(String),
    producer         LowCardinality(String),
    sequence         UInt64 CODEC(ZSTD(1)),
    actor_type       LowCardinality(String),
    actor_id         String CODEC(ZSTD(1)),
    organization     LowCardinality(String),
    actor_team       LowCardinality(String),
    action           LowCardinality(String),
    resource_type    LowCardinality(String),
    resource_id      String CODEC(ZSTD(1)),
    customer_id      String CODEC(ZSTD(1)),
    outcome          LowCardinality(String),
    purpose          LowCardinality(String),
    evidence_ref     String CODEC(ZSTD(1)),
    recipient        LowCardinality(String),
    operation_id     String CODEC(ZSTD(1)),
    session_id       String CODEC(ZSTD(1)),
    trace_id         String CODEC(ZSTD(1)),
    ip               String CODEC(ZSTD(1)),
    user_agent       LowCardinality(String),
    item_count       Nullable(UInt64) CODEC(ZSTD(1)),
    content_bytes    Nullable(UInt64) CODEC(ZSTD(1)),
    unknown_fields   String CODEC(ZSTD(1)),
    verdict          LowCardinality(String),
    reason           LowCardinality(String),
    clause           LowCardinality(String),
    policy_version   LowCardinality(String),
    policy_digest    LowCardinality(String),
    evidence_used    Array(String) CODEC(ZSTD(1)),
    evidence_version Int64 CODEC(ZSTD(1)),
    derived          Bool,
    received_at      DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    judged_at        DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    recorded_at      DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),
    topic            LowCardinality(String),
    partition        UInt16 CODEC(ZSTD(1)),
    offset           UInt64 CODEC(Delta, ZSTD(1)),

    INDEX by_time time TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_actor actor_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_resource resource_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_evidence evidence_ref TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_verdict verdict TYPE set(8) GRANULARITY 1,
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (customer_id, time, id)
SETTINGS non_replicated_deduplication_window = 100000;

-- Later verdicts, appended: evidence that arrived, changed or was withdrawn, a grace that ended.
CREATE TABLE verdict_log
(
    received_day     Date CODEC(ZSTD(1)),
    id               UUID CODEC(ZSTD(1)),
    source           LowCardinality(String),
    verdict          LowCardinality(String),
    reason           LowCardinality(String),
    clause           LowCardinality(String),
    policy_version   LowCardinality(String),
    policy_digest    LowCardinality(String),
    evidence_used    Array(String) CODEC(ZSTD(1)),
    evidence_version Int64 CODEC(ZSTD(1)),
    derived          Bool,
    late             Bool,
    judged_at        DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    recorded_at      DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (id, source, evidence_version, judged_at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Every version of every evidence record; `version` is the record's offset. Writing a version
-- again writes the same row again, which merges fold: readers take one row per (ref, version).
CREATE TABLE evidence_log
(
    ref           String CODEC(ZSTD(1)),
    version       Int64 CODEC(Delta, ZSTD(1)),
    kind          LowCardinality(String),
    customer_ids  Array(String) CODEC(ZSTD(1)),
    assignees     Array(String) CODEC(ZSTD(1)),
    organization  LowCardinality(String),
    status        LowCardinality(String),
    origin        LowCardinality(String),
    recorded_by   String CODEC(ZSTD(1)),
    record        String CODEC(ZSTD(3)),
    registered_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),

    INDEX by_version version TYPE minmax GRANULARITY 1,
    INDEX by_customer customer_ids TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_assignee assignees TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (ref, version);

-- What was done with this system itself; written before the answer is given.
CREATE TABLE activity_log
(
    id           UUID,
    time         DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    principal    LowCardinality(String),
    surface      LowCardinality(String),
    action       LowCardinality(String),
    query        String CODEC(ZSTD(1)),
    customer_ids Array(String) CODEC(ZSTD(1)),
    row_count    Nullable(UInt64)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (time, id);

-- What could not be accepted, with its bytes; kept 30 days.
CREATE TABLE dead_letters
(
    received_day Date,
    topic        LowCardinality(String),
    partition    UInt16,
    offset       UInt64,
    received_at  DateTime64(3, 'UTC'),
    reason       LowCardinality(String),
    detail       String CODEC(ZSTD(1)),
    fields       Array(String),
    key          String CODEC(ZSTD(1)),
    value        String CODEC(ZSTD(3)),
    recorded_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (received_at, topic, partition, offset)
TTL received_day + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- One row per stored range of offsets: what completeness, and later tamper evidence, stands on.
CREATE TABLE range_ledger
(
    received_day      Date,
    topic             LowCardinality(String),
    partition         UInt16,
    first_offset      UInt64,
    last_offset       UInt64,
    attempt           UInt16,
    row_count         UInt32,
    dead_letter_count UInt32,
    duplicate_count   UInt32,
    recorded_at       DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (topic, partition, first_offset)
SETTINGS non_replicated_deduplication_window = 10000;

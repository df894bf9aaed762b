-- Each record that was read and did not become a row of access_log: a copy of an access that is stored, or a
-- dead letter. Kept without a limit, for without it a counted copy, or a letter whose bytes are gone, would
-- look like a hole in the offsets and in its producer's count. A range that is taken again writes its rows
-- again, which merges fold: readers count offsets. docs/decisions/0017-reconciliation.md says why.
CREATE TABLE set_aside
(
    received_day Date CODEC(ZSTD(1)),
    topic        LowCardinality(String),
    partition    UInt16 CODEC(ZSTD(1)),
    offset       UInt64 CODEC(Delta, ZSTD(1)),
    received_at  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    reason       LowCardinality(String),
    producer     LowCardinality(String),
    sequence     UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (topic, partition, offset);

-- How many of a range's copies and dead letters stand in set_aside, each by its offset. Ranges of before
-- have 0: theirs are only counted.
ALTER TABLE range_ledger ADD COLUMN set_aside_count UInt32 DEFAULT 0 AFTER duplicate_count;

-- What reconciliation found and published, once each: `id` is made of the reason and the place.
CREATE TABLE reconciliation_log
(
    id            UUID,
    reason        LowCardinality(String),
    place         String CODEC(ZSTD(1)),
    first         UInt64,
    last          UInt64,
    size          UInt64,
    received_from Nullable(DateTime64(3, 'UTC')),
    received_to   Nullable(DateTime64(3, 'UTC')),
    detail        String CODEC(ZSTD(1)),
    found_at      DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (found_at, id);

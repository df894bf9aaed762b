-- The headers that a refused record came with: which contract its producer speaks stands there, and published
-- again without it the record is refused again. Letters of before have none.
ALTER TABLE dead_letters ADD COLUMN headers Array(Tuple(name String, value String)) CODEC(ZSTD(1)) AFTER value;

-- The ledger covers the evidence topic as well: up to where its versions are recorded and worked off. So a
-- worker can tell a store that was restored from a backup. What was recorded before counts as worked off.
INSERT INTO range_ledger (received_day, topic, partition, first_offset, last_offset, attempt, row_count)
SELECT toDate(max(registered_at)), 'evidence.records.v1', 0, 0, max(version), 1, uniqExact(ref, version)
FROM evidence_log
HAVING count() > 0;

-- A page of new verdicts is recognised by its name for as long as a range is: an owner that slept
-- through its successor's pages must not add its own.
ALTER TABLE verdict_log MODIFY SETTING non_replicated_deduplication_window = 100000;

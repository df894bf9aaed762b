-- Merging costs more than storing: a row is merged again each time that its part is. Ten parts at once are
-- merged less often than five, and column by column in less time. docs/decisions/0004-sort-key-and-partitions.md
-- has the figures.
ALTER TABLE access_log MODIFY SETTING
    min_parts_to_merge_at_once = 10, vertical_merge_algorithm_min_rows_to_activate = 1;

-- One row at a time comes to the ledger.
ALTER TABLE range_ledger MODIFY SETTING min_parts_to_merge_at_once = 10;

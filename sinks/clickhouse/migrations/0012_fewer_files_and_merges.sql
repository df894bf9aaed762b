-- What it costs to keep an access, in files and merges. docs/decisions/0024-what-an-access-costs-to-keep.md has
-- the figures.

-- A block that is inserted becomes a part of 53 files, most of them of its projections: making them costs up to
-- a quarter of the insert, more where many were deleted of late. Packed it has 5; merged parts are as before.
ALTER TABLE access_log MODIFY SETTING min_level_for_full_part_storage = 1;
ALTER TABLE verdict_log MODIFY SETTING min_level_for_full_part_storage = 1;
ALTER TABLE range_ledger MODIFY SETTING min_level_for_full_part_storage = 1;

-- Twenty parts at once are merged less often than ten, so a row is written again less often. A day that is over
-- becomes one part, six hours after its last insert: a customer's rows of a day then lie side by side.
ALTER TABLE access_log MODIFY SETTING
    min_parts_to_merge_at_once = 20, min_partition_age_to_force_merge_seconds = 21600;

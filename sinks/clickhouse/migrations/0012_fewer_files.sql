-- A block that is inserted becomes a part of 53 files, most of them of its projections: making them costs up to
-- a quarter of the insert, more where many were deleted of late. Packed it has 5; merged parts are as before.
-- docs/decisions/0024-what-an-access-costs-to-keep.md has the figures.
ALTER TABLE access_log MODIFY SETTING min_level_for_full_part_storage = 1;
ALTER TABLE verdict_log MODIFY SETTING min_level_for_full_part_storage = 1;
ALTER TABLE range_ledger MODIFY SETTING min_level_for_full_part_storage = 1;

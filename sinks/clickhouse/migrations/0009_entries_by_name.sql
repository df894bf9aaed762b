-- A ledger row is recognised by its name alone, for as long as those of accesses are.
ALTER TABLE range_ledger MODIFY SETTING non_replicated_deduplication_window = 100000;

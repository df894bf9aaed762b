-- What is said once of an alert (an answer of its actor, a close) is inserted under the id of its entry, and a
-- second insert under it is dropped: two processes that both found nothing cannot both be heard.
-- docs/decisions/0029-the-desk.md says why.
ALTER TABLE alert_log MODIFY SETTING non_replicated_deduplication_window = 1000;

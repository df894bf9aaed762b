-- What a replay of history reads, a received day at a time. The view `trail` joins every access with all
-- later verdicts there are; here the reader joins those of one day, which has the same answer.
CREATE VIEW accesses DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT received_day, id, source, time, received_at, actor_type, actor_id, organization, actor_team, action,
       resource_type, resource_id, customer_id, purpose, evidence_ref, recipient, verdict, reason, clause
FROM access_log;

CREATE VIEW later_verdicts DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT received_day, id, source, verdict, reason, clause, evidence_version, judged_at
FROM verdict_log;

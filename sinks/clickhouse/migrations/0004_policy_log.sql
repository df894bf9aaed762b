-- Every policy version that a worker judged by. The first row of a version is what it is known by:
-- workers that race insert under one deduplication token, of which ClickHouse takes one.
-- docs/decisions/0009-how-policy-versions-become-known.md says why.
CREATE TABLE policy_log
(
    id             UUID,
    policy         LowCardinality(String),
    version        LowCardinality(String),
    digest         LowCardinality(String),
    effective_from DateTime64(6, 'UTC'),
    document       String CODEC(ZSTD(3)),
    registered_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (policy, version, registered_at, digest)
SETTINGS non_replicated_deduplication_window = 10000;

-- Several workers may tell of one registration; the token of its row keeps one.
ALTER TABLE activity_log MODIFY SETTING non_replicated_deduplication_window = 1000;

-- Every policy version, as it was when it became known.
CREATE VIEW policies DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT policy, version, digest, effective_from, document, registered_at
FROM policy_log
ORDER BY registered_at, digest
LIMIT 1 BY policy, version;

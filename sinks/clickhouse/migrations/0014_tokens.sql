-- API tokens, appended only: what was created and what was revoked, when and by whom. Of a token only its hash
-- is kept. A revocation ends every token of its name that was created before it.
-- docs/decisions/0026-who-may-see-what.md says why.
CREATE TABLE token_log
(
    at         DateTime64(6, 'UTC') DEFAULT now64(6),
    action     LowCardinality(String),
    name       String,
    digest     String,
    last_four  String,
    role       LowCardinality(String),
    customers  Array(String),
    vendors    Array(String),
    scope_user LowCardinality(String),
    expires_at DateTime64(6, 'UTC'),
    done_by    String
)
ENGINE = MergeTree
ORDER BY at;

-- Which role and scope each of the prepared users (earwitness_scope_01 …) stands for, once and for ever: an
-- insert is named by the user it is for, and of two that race ClickHouse keeps one.
CREATE TABLE scope_log
(
    scope_user  LowCardinality(String),
    role        LowCardinality(String),
    customers   Array(String),
    vendors     Array(String),
    assigned_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY scope_user
SETTINGS non_replicated_deduplication_window = 1000;

-- What the row policies of those users ask. A policy of its own shows each of them its own scope alone.
CREATE VIEW scopes DEFINER = earwitness_views SQL SECURITY DEFINER AS
SELECT scope_user, part.1 AS kind, part.2 AS value
FROM scope_log
ARRAY JOIN arrayConcat(
    if(empty(customers), [('every_customer', '')], arrayMap(name -> ('customer', name), customers)),
    if(empty(vendors), [('every_vendor', '')], arrayMap(name -> ('vendor', name), vendors))
) AS part;

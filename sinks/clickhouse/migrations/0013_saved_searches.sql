-- Each change of a saved search, in the order in which the store took it; the newest of a name counts. An
-- empty query deletes the name. Nothing is rewritten: who searched by which query when can be told later.
CREATE TABLE saved_search_log
(
    name     String CODEC(ZSTD(1)),
    saved_at DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1)),
    query    String CODEC(ZSTD(1)),
    saved_by LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY (name, saved_at);

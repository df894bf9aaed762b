"""The embedded stack: a real Kafka and a real ClickHouse, without containers, Java or root."""

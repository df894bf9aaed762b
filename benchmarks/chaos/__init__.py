"""The kill campaign: real Kafka, real ClickHouse, processes that die, and a count of what is left."""

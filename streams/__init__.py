"""Kafka in, judged rows out: the only room that speaks to Kafka besides the SDK and the embedded stack."""

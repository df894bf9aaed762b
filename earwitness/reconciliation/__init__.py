"""Whether the trail is complete: Kafka, the ledger, the producers and the table, set side by side."""

"""The trail in ClickHouse."""

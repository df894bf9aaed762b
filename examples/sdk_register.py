"""A register that tells of its entries: a ticket is opened, and later withdrawn.

It is another Kafka user than a service: neither may write what the other does.
"""

from datetime import UTC, datetime

from earwitness_sdk import Kafka, Register

if __name__ == "__main__":
    with Register(kafka=Kafka.from_environment()) as register:
        ticket = {
            "ref": "ticket:TCK-1",
            "kind": "complaint",
            "customer_ids": ["acme"],
            "assignees": ["e-1"],
            "valid_from": datetime(2026, 1, 31, 9, tzinfo=UTC),
            "recorded_by": "ticket-system",
        }
        register.put(ticket)
        record = register.put(ticket | {"status": "withdrawn", "withdrawn_at": datetime.now(UTC)})
    print(record.ref, "is", record.status)

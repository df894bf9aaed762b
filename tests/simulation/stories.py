"""The worlds that are gone through: small ones in every way, large ones at random."""

from tests.streams.records import NOON_MS, Record, a_record

PENDING = {"evidence_ref": "ticket:unknown", "purpose": "resolve_complaint"}


def three_records() -> list[list[Record]]:
    """One partition: an access, a second one that is told of, and a copy of the first."""
    return [[a_record(0), a_record(1, **PENDING), a_record(2)._replace(value=a_record(0).value)]]


def four_records() -> list[list[Record]]:
    """One partition: as above, and a record that is no access."""
    return [[*three_records()[0], Record(3, b"no JSON", NOON_MS)]]

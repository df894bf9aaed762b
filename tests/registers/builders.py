"""Mappings and rows for tests: each builder makes a sound thing, and a test says what differs."""

from typing import Any, Final

from earwitness.registers.config import Register
from earwitness.registers.mapping import RegisterMapping
from earwitness.registers.reading import Reader, RowRefused
from models.evidence import EvidenceRecord

LOADED: Final = {"origin": "import"}


def a_mapping(fields: dict[str, Any] | None = None, **changes: Any) -> RegisterMapping:
    """Tickets with an id, a customer and the instant when they were opened."""
    sound = {"ref": {"from": "id"}, "customer_ids": {"from": "customer"}, "valid_from": {"from": "opened"}}
    whole = {"ref_prefix": "ticket:", "kind": "complaint", "fields": {**sound, **(fields or {})}, **changes}
    return RegisterMapping.model_validate({name: value for name, value in whole.items() if value is not None})


def a_row(**changes: Any) -> dict[str, Any]:
    """Ticket T-1 of acme."""
    return {"id": "T-1", "customer": "acme", "opened": "2026-01-31T09:30:00Z", **changes}


def read(
    mapping: RegisterMapping, row: dict[str, Any], register: Register | None = None
) -> EvidenceRecord | None:
    return Reader(mapping, LOADED, register).read(row)


def record(mapping: RegisterMapping, row: dict[str, Any]) -> EvidenceRecord:
    found = read(mapping, row)
    assert found is not None
    return found


def refusal(
    mapping: RegisterMapping, row: dict[str, Any], register: Register | None = None
) -> list[tuple[str, str]]:
    """Give the faults of a row that is refused."""
    try:
        found = read(mapping, row, register)
    except RowRefused as error:
        return error.faults
    raise AssertionError(f"was not refused, but read as {found}")


def a_register(**changes: Any) -> Register:
    """The ticket system, which may tell complaints about tickets."""
    sound = {"name": "tickets", "kinds": ["complaint"], "ref_prefixes": ["ticket:"]}
    return Register.model_validate({**sound, **changes})

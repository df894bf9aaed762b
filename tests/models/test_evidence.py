from typing import Any

import pytest
from pydantic import ValidationError

from models.evidence import EvidenceRecord, contradiction_in


def a_record(**changes: Any) -> dict[str, Any]:
    record = {"ref": "ticket:T-1", "kind": "complaint", "valid_from": "2026-01-01T00:00:00Z", **changes}
    return {name: value for name, value in record.items() if value is not None}


def refused(record: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refusal:
        EvidenceRecord.model_validate(record)
    return [str(fault["loc"][0]) for fault in refusal.value.errors()]


@pytest.mark.parametrize("field", ["ref", "kind", "valid_from"])
def test_what_a_record_needs_is_named(field: str) -> None:
    """A register is mended by whoever reads the refusal."""
    assert refused(a_record(**{field: None})) == [field]


def test_a_record_that_ends_before_it_begins_is_refused() -> None:
    """It would cover nothing, and the older record of its ref would be lost."""
    assert refused(a_record(valid_to="2025-12-31T23:59:59Z")) == ["valid_to"]


def test_only_the_withdrawn_have_an_instant_of_withdrawal() -> None:
    """An active record with one would say two things."""
    assert refused(a_record(withdrawn_at="2026-02-01T00:00:00Z")) == ["withdrawn_at"]


@pytest.mark.parametrize("kind", ["employment", "affiliation", "engagement", "service_account"])
@pytest.mark.parametrize("assignees", [[], ["e-1", "e-2"]])
def test_aliases_belong_to_exactly_one_actor(kind: str, assignees: list[str]) -> None:
    """Otherwise two people could become one, and either could excuse the other."""
    assert refused(a_record(kind=kind, assignees=assignees, aliases=["a@x"])) == ["aliases"]


@pytest.mark.parametrize("field", ["customer_ids", "resource_ids", "assignees", "aliases"])
@pytest.mark.parametrize("value", ["*", "+4412345678"])
def test_no_list_of_ids_holds_a_wildcard_or_a_number(field: str, value: str) -> None:
    """Evidence for `*` would cover every customer; a number would be kept for ever."""
    assert refused(a_record(**{field: [value]})) == [field]


def test_a_null_is_the_same_as_an_absent_field() -> None:
    """Exports of registers write null for what they do not know."""
    record = EvidenceRecord.model_validate(
        {**a_record(), "customer_ids": None, "valid_to": None, "status": None}
    )
    assert (record.customer_ids, record.valid_to, record.status) == ((), None, "active")


@pytest.mark.parametrize("status", ["active", "withdrawn"])
def test_an_election_without_a_customer_contradicts_itself(status: str) -> None:
    """An election is what a customer chose; withdrawn, it is still somebody's that is withdrawn."""
    record = EvidenceRecord.model_validate(a_record(kind="election", status=status))
    assert contradiction_in(record) == (
        "customer_ids",
        "must name who made the election: one without a customer is nobody's",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "election", "customer_ids": ["acme"]},
        {"kind": "election", "customer_ids": ["acme"], "status": "withdrawn"},
        {"kind": "complaint"},
        {"kind": "legal_order"},
        {"kind": "work_order"},
        {"kind": "employment"},
        {"valid_to": "2026-01-01T00:00:00Z"},
        {"status": "withdrawn", "withdrawn_at": "2025-06-01T00:00:00Z"},
    ],
)
def test_what_the_contract_gives_a_meaning_is_no_contradiction(changes: dict[str, Any]) -> None:
    """A complaint may cover nobody, an order may be withdrawn before its day: odd, not false."""
    assert contradiction_in(EvidenceRecord.model_validate(a_record(**changes))) is None

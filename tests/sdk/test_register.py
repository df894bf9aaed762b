import pytest
from earwitness_sdk import InvalidEvent, Register
from earwitness_sdk.testing import MemoryOutbox

ELECTION = {"ref": "election:E-1", "kind": "election", "valid_from": "2026-01-01T00:00:00Z"}


def test_an_election_without_a_customer_is_refused_before_it_travels() -> None:
    """The register hears of it at once, not a dead letter later."""
    outbox = MemoryOutbox()
    with pytest.raises(InvalidEvent) as refused:
        Register(outbox=outbox).put(ELECTION)
    assert [field for field, _ in refused.value.faults] == ["customer_ids"]
    assert outbox.records == []


def test_an_election_that_names_its_customer_can_be_withdrawn() -> None:
    """With the customer it was made by."""
    outbox = MemoryOutbox()
    Register(outbox=outbox).put({**ELECTION, "customer_ids": ["acme"], "status": "withdrawn"})
    assert [record.status for record in outbox.evidence] == ["withdrawn"]


def test_a_record_can_be_checked_without_being_published() -> None:
    """Whoever must say first what will be put can ask for it in its final form."""
    outbox = MemoryOutbox()
    assert Register(outbox=outbox).check({**ELECTION, "customer_ids": ["acme"]}).customer_ids == ("acme",)
    assert outbox.records == []

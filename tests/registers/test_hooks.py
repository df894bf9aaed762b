from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.registers.hooks import HOOK_ORIGINS, settle
from earwitness.registers.mapping import parse_mapping
from earwitness.registers.reading import Reader
from earwitness.settings import ROOT
from models.evidence import EvidenceRecord
from tests.builders import A_DAY, NOON, a_complaint, an_engagement
from tests.registers.deliveries import NOW, a_ticket, an_issue

OPENED = datetime(2026, 3, 1, 9, tzinfo=UTC)


def read(name: str, payload: dict[str, Any]) -> EvidenceRecord | None:
    text = (ROOT / f"examples/registers/{name}.toml").read_bytes()
    mapping = parse_mapping(text, name, origins=HOOK_ORIGINS)
    return Reader(mapping, {"origin": "webhook", "recorded_by": name}).read(payload)


def told(name: str, payload: dict[str, Any]) -> EvidenceRecord:
    record = read(name, payload)
    assert record is not None
    return record


def test_a_ticket_of_zendesk_is_a_complaint_of_its_customer() -> None:
    """While it is open; an agent who opened it himself is named as its author."""
    record = told("zendesk", a_ticket())
    assert record == EvidenceRecord(
        ref="ticket:5158",
        kind="complaint",
        customer_ids=("acme",),
        valid_from=OPENED,
        origin="webhook",
        recorded_by="8447388090500",
        recorded_at=NOW,
    )


@pytest.mark.parametrize("status", ["SOLVED", "Closed"])
def test_a_ticket_that_is_solved_or_closed_ends(status: str) -> None:
    """At the time of the event; Zendesk writes its statuses in several ways."""
    record = told("zendesk", a_ticket("status_changed", status=status))
    assert (record.status, record.valid_to) == ("active", NOW)


def test_a_ticket_that_is_deleted_is_withdrawn_from_then_on() -> None:
    """What was done while it stood keeps its reason."""
    record = told("zendesk", a_ticket("soft_deleted", status="DELETED"))
    assert (record.status, record.withdrawn_at) == ("withdrawn", NOW)


def test_spam_was_never_a_complaint() -> None:
    """Withdrawn without an instant: it covers nothing, not even what was done meanwhile."""
    record = told("zendesk", a_ticket("marked_as_spam"))
    assert (record.status, record.withdrawn_at) == ("withdrawn", None)


def test_what_zendesk_sends_beside_tickets_is_passed_over() -> None:
    """A webhook may be subscribed to more than it should be."""
    assert read("zendesk", {**a_ticket(), "type": "zen:event-type:user.created"}) is None


def test_an_issue_of_jira_is_a_work_order() -> None:
    """For the customers that it names, for whom it is assigned to."""
    record = told("jira", an_issue())
    assert (record.ref, record.kind, record.customer_ids, record.assignees, record.purposes) == (
        "jira:SUP-10",
        "work_order",
        ("acme", "globex"),
        ("712020:ann",),
        ("maintain_service",),
    )
    assert (record.valid_from, record.recorded_by, record.recorded_at) == (OPENED, "712020:lead", NOW)


@pytest.mark.parametrize(
    ("resolved", "end"), [("2026-03-02T11:00:00.000+0100", NOW - timedelta(hours=2)), (None, NOW)]
)
def test_an_issue_that_is_done_ends(resolved: str | None, end: datetime) -> None:
    """When it was resolved; a workflow without resolutions has the time of the event."""
    done = {"name": "Done", "statusCategory": {"key": "done"}}
    record = told("jira", an_issue("jira:issue_updated", status=done, resolutiondate=resolved))
    assert (record.status, record.valid_to) == ("active", end)


def test_an_issue_that_is_deleted_is_withdrawn() -> None:
    """Jira sends it as it last was."""
    record = told("jira", an_issue("jira:issue_deleted"))
    assert (record.status, record.withdrawn_at) == ("withdrawn", NOW)


@pytest.mark.parametrize("payload", [{}, {"recorded_by": "e-1"}])
def test_no_payload_says_where_it_came_from(payload: dict[str, Any]) -> None:
    """Origin and author are what the mapping says; a field of that name is the payload's own affair."""
    sent = {**a_ticket(), "origin": "register", **payload}
    record = told("zendesk", {**sent, "detail": {**sent["detail"], "origin": "manual", "recorded_by": "x"}})
    assert (record.origin, record.recorded_by) == ("webhook", "8447388090500")


@pytest.mark.parametrize(
    ("held", "record", "result"),
    [
        (None, {}, "recorded"),
        ({}, {}, "unchanged"),
        ({"recorded_at": NOON}, {"recorded_at": NOON + A_DAY}, "unchanged"),
        ({"recorded_at": NOON}, {"recorded_at": NOON - A_DAY, "customer_ids": ["globex"]}, "outdated"),
        ({"recorded_at": NOON}, {"recorded_at": NOON, "customer_ids": ["globex"]}, "recorded"),
        ({}, {"customer_ids": ["globex"]}, "recorded"),
        ({"valid_to": NOON}, {"valid_to": NOON + A_DAY}, "unchanged"),
        ({"valid_to": NOON}, {}, "recorded"),
        ({"status": "withdrawn"}, {}, "recorded"),
    ],
)
def test_a_delivery_is_compared_with_what_is_held(
    held: dict[str, Any] | None, record: dict[str, Any], result: str
) -> None:
    """Ticket systems send each change of a ticket, some late, some twice; few of them are news."""
    before = None if held is None else a_complaint(**held)
    assert settle(a_complaint(**record), before, NOON + A_DAY).result == result


def test_what_has_ended_ends_when_it_first_did() -> None:
    """Zendesk closes a solved ticket days later by itself; these days are no part of it."""
    solved = a_complaint(valid_to=NOON, recorded_at=NOON)
    later = NOON + 4 * A_DAY
    closed = a_complaint(valid_to=later, customer_ids=["globex"], recorded_at=later)
    assert settle(closed, solved, later).record.valid_to == NOON
    assert settle(closed.model_copy(update={"recorded_at": None}), solved, later).record.valid_to == NOON
    reopened = a_complaint()
    assert settle(a_complaint(valid_to=later), reopened, later).record.valid_to == later


def test_what_was_withdrawn_is_withdrawn_from_when_it_first_was() -> None:
    """A ticket is deleted softly, and for good a month later."""
    later = NOON + 30 * A_DAY
    gone = a_complaint(status="withdrawn", withdrawn_at=NOON)
    again = a_complaint(status="withdrawn", withdrawn_at=later)
    assert settle(again, gone, later).result == "unchanged"


@pytest.mark.parametrize("said_at", [NOON - A_DAY, NOON + 4 * A_DAY], ids=["in time", "late"])
def test_what_is_extended_is_open(said_at: datetime) -> None:
    """A contract whose last day moves; and a word that is late is the register's word all the same."""
    contract = an_engagement(valid_to=NOON)
    longer = an_engagement(valid_to=NOON + 365 * A_DAY, recorded_at=said_at)
    settled = settle(longer, contract, NOON + 5 * A_DAY)
    assert (settled.result, settled.record.valid_to) == ("recorded", longer.valid_to)


def test_another_begin_is_another_interval() -> None:
    """An end of before would lie before it begins, and workers refuse what does."""
    first = a_complaint(valid_from=NOON - 30 * A_DAY, valid_to=NOON - 20 * A_DAY)
    second = a_complaint(valid_from=NOON - 5 * A_DAY, valid_to=NOON)
    assert settle(second, first, NOON).record == second


_DAYS = st.integers(-3, 3).map(lambda days: NOON + days * A_DAY)


@st.composite
def _records(draw: st.DrawFn) -> EvidenceRecord:
    begin, end = sorted((draw(_DAYS), draw(_DAYS)))
    withdrawn = draw(st.none() | _DAYS)
    return a_complaint(
        valid_from=begin,
        valid_to=draw(st.sampled_from([None, end])),
        status="active" if withdrawn is None else "withdrawn",
        withdrawn_at=withdrawn,
        recorded_at=draw(st.none() | _DAYS),
    )


@given(told=_records(), before=_records(), now=_DAYS)
def test_what_is_published_is_a_record_and_covers_no_more_than_was_told(
    told: EvidenceRecord, before: EvidenceRecord, now: datetime
) -> None:
    """Workers read it again, and refuse what contradicts itself; and nobody told of more."""
    settled = settle(told, before, now).record
    assert EvidenceRecord.model_validate_json(settled.model_dump_json()) == settled
    for name in ("valid_to", "withdrawn_at"):
        of_told, of_settled = getattr(told, name), getattr(settled, name)
        assert (of_settled is None) == (of_told is None)
        assert of_told is None or of_settled <= of_told

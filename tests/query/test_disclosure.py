"""Evidence as an explanation shows it, against the time of the access."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from earwitness.query.disclosure import disclose
from earwitness.query.evidence import KnownRecord
from models import EvidenceRecord
from models.fields import format_time
from tests.builders import A_TICK, NOON, a_complaint

HOUR = timedelta(hours=1)


def known(record: EvidenceRecord, version: int, registered_at: datetime) -> KnownRecord:
    return KnownRecord(record, version, registered_at)


def items(*versions: KnownRecord) -> list[dict[str, Any]]:
    """The versions as the store gives them, newest first."""
    return [
        {
            "version": each.version,
            "registered_at": format_time(each.registered_at),
            "record": each.record.model_dump(mode="json", exclude_defaults=True),
        }
        for each in reversed(versions)
    ]


@pytest.mark.parametrize(
    ("registered_at", "delay_s"),
    [
        (NOON - HOUR, None),
        (NOON, None),
        (NOON + A_TICK * 1000, 0.001),
        (NOON + 3 * HOUR + timedelta(minutes=12), 11_520.0),
    ],
)
def test_the_delay_is_counted_from_the_access(registered_at: datetime, delay_s: float | None) -> None:
    """What was there when the access happened, or came in the same instant, has none."""
    counted = known(a_complaint(), 4, registered_at)
    assert disclose(counted, items(counted), happened_at=NOON)["delay_s"] == delay_s


def test_what_was_there_before_is_compared_with_what_counts() -> None:
    """The newest of the versions that were there: what the actor could have known."""
    oldest = known(a_complaint(customer_ids=["globex"]), 1, NOON - 3 * HOUR)
    before = known(a_complaint(assignees=["e-2"], valid_to=NOON), 2, NOON - HOUR)
    counted = known(a_complaint(assignees=["e-2", "e-1"]), 5, NOON + HOUR)
    after = known(a_complaint(status="withdrawn"), 8, NOON + 2 * HOUR)
    told = disclose(counted, items(oldest, before, counted, after), happened_at=NOON)
    assert told["before_access"] == {
        "version": 2,
        "registered_at": format_time(NOON - HOUR),
        "changes": [
            {"field": "assignees", "before": ["e-2"], "after": ["e-2", "e-1"]},
            {"field": "valid_to", "before": "2026-03-02T12:00:00Z", "after": None},
        ],
    }
    assert [later["version"] for later in told["later"]] == [8]


def test_evidence_that_is_older_than_the_access_is_compared_with_nothing() -> None:
    """It was there, and says now what it said then."""
    counted = known(a_complaint(), 1, NOON - HOUR)
    assert disclose(counted, items(counted), happened_at=NOON)["before_access"] is None


def test_evidence_that_first_came_after_the_access_had_nothing_before() -> None:
    """A delay, and no change: it is new."""
    counted = known(a_complaint(), 1, NOON + HOUR)
    told = disclose(counted, items(counted), happened_at=NOON)
    assert (told["delay_s"], told["before_access"]) == (3600.0, None)


def test_evidence_that_the_verdict_did_not_know_is_shown_with_what_came_later() -> None:
    """Every version of it is later then, the first one first."""
    told = disclose(
        None, items(known(a_complaint(), 3, NOON), known(a_complaint(), 6, NOON + HOUR)), happened_at=NOON
    )
    assert (told["record"], told["version"], told["delay_s"]) == (None, None, None)
    assert [later["version"] for later in told["later"]] == [3, 6]

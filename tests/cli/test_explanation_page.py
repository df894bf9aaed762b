"""The page of an explanation, made from JSON: what a person reads of each part."""

from typing import Any

import pytest
from rich.console import Console

from earwitness.cli.explanation import print_explanation
from earwitness.policy.alternatives import Way
from earwitness.wording import CAUSES, duration, shorten_times

ACCESS = {
    "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "time": "2026-03-02T12:00:00.000000Z",
    "source": "/services/recording-api",
    "actor_type": "employee",
    "actor_id": "e-1",
    "actor_team": None,
    "organization": None,
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "rec-1",
    "customer_id": "acme",
    "outcome": "succeeded",
    "purpose": "resolve_complaint",
    "evidence_ref": "ticket:T-1",
    "recipient": None,
    "verdict": "unjustified",
    "reason": "evidence_wrong_customer",
    "clause": None,
    "late": False,
    "received_at": "2026-03-02T12:00:01.000000Z",
    "recorded_at": "2026-03-02T12:00:02.000000Z",
    "position": "access.events.v1/0/0",
}
SHOWN = {
    "ref": "ticket:T-1",
    "cited": True,
    "used": False,
    "standing": False,
    "version": 4,
    "registered_at": "2026-03-01T12:00:00.000000Z",
    "first_registered_at": "2026-03-01T12:00:00.000000Z",
    "delay_s": None,
    "record": {"ref": "ticket:T-1", "kind": "complaint", "valid_from": "2026-03-01T12:00:00Z"},
    "before_access": None,
    "later": [],
}


def page(access: dict[str, Any] | None = None, **changes: Any) -> str:
    explanation = {
        "as_of": None,
        "access": ACCESS | (access or {}),
        "clause": None,
        "purpose": None,
        "policy": {"version": "2013-02-07", "digest": "d", "title": "Policy", "known": True, "note": None},
        "checks": [],
        "missing": [],
        "alternatives": [],
        "evidence": [],
        "history": [],
        "differences": [],
        "stale": [],
    }
    console = Console(width=250, no_color=True, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        print_explanation(console, explanation | changes)
    return " ".join(captured.get().split())


def a_verdict(kind: str, changes: int = 0, more: int = 0) -> dict[str, Any]:
    each = {"ref": "ticket:T-1", "version": 4, "registered_at": ACCESS["time"], "change": "new"}
    return {
        "judged_at": ACCESS["time"],
        "verdict": "justified",
        "reason": "clause_met",
        "clause": "access.resolve-complaint",
        "late": True,
        "evidence_version": 4,
        "cause": {"kind": kind, "changes": [each] * changes, "more": more},
    }


def test_a_policy_that_is_gone_comes_first() -> None:
    """Without it there are no checks, and the reader must know why."""
    note = "The policy folder of this installation no longer holds version 2013-02-07"
    policy = {"version": "2013-02-07", "digest": "d", "title": None, "known": False, "note": note}
    assert page(policy=policy).startswith(f"THE POLICY VERSION OF THIS VERDICT IS NOT HERE {note}")


def test_several_things_that_are_missing_are_wanted_together() -> None:
    """Each alone would not have done."""
    assert "What would have justified it - One." in page(missing=["One."])
    assert "What would have justified it, all of this together - One. - Two." in page(
        missing=["One.", "Two."]
    )


@pytest.mark.parametrize(
    ("way", "ref", "words"),
    [
        ("cited", "ticket:T-1", "the evidence that it cites"),
        ("derived", "ticket:T-1", "nothing cited: it explains the access of itself"),
        ("if_cited", "ticket:T-1", "had it cited this, which the registers held"),
        ("derived", None, "none needed"),
    ],
)
def test_an_alternative_says_what_to_declare_and_that_the_verdict_stands(
    way: Way, ref: str | None, words: str
) -> None:
    """The accused may have meant it; but nobody is acquitted by what he did not say."""
    alternative = {
        "clause": "access.maintain-service",
        "title": "Engineers may.",
        "purpose": "maintain_service",
        "evidence_ref": ref,
        "way": way,
    }
    told = page(alternatives=[alternative], evidence=[SHOWN | {"delay_s": 60.0}])
    assert "maintain_service access.maintain-service" in told
    assert words in told.replace("Engineers may. ", "")
    assert "The verdict stands" in told


def test_an_alternative_on_evidence_that_came_after_the_access_says_so() -> None:
    """A work order written the day after is no proof that there was one."""
    alternative = {
        "clause": "access.maintain-service",
        "title": "T",
        "purpose": "maintain_service",
        "evidence_ref": "ticket:T-1",
        "way": "derived",
    }
    late = page(alternatives=[alternative], evidence=[SHOWN | {"cited": False, "delay_s": 11_520.0}])
    assert late.count("registered 3 h 12 min AFTER the access") == 2
    assert "AFTER" not in page(alternatives=[alternative], evidence=[SHOWN])


@pytest.mark.parametrize("role", ["used", "standing"])
def test_a_justified_access_warns_of_evidence_that_was_not_there(role: str) -> None:
    """Whether it excuses the access or the actor; an unjustified one has nothing that excuses it."""
    shown = SHOWN | {role: True, "delay_s": 120.0}
    warning = "ticket:T-1, which "
    assert warning in page({"verdict": "justified", "reason": "clause_met", "clause": "c"}, evidence=[shown])
    assert warning not in page(evidence=[shown])


def test_one_employment_that_was_there_is_enough() -> None:
    """A second record of the same person, newer, is no reason to doubt."""
    older = SHOWN | {"ref": "staff:old", "standing": True}
    newer = SHOWN | {"ref": "staff:new", "standing": True, "delay_s": 5.0}
    justified = {"verdict": "justified", "reason": "clause_met", "clause": "c"}
    assert "which says who" not in page(justified, evidence=[older, newer])


def test_a_late_verdict_without_evidence_of_its_own_says_what_made_it_late() -> None:
    """A withdrawal takes the justification away."""
    assert "was withdrawn after the access was first judged" in page({"late": True})


@pytest.mark.parametrize("kind", sorted(CAUSES))
def test_every_cause_has_words(kind: str) -> None:
    """A reader of the history wants to know why, not a code."""
    assert CAUSES[kind] in page(history=[a_verdict(kind)])


def test_a_cause_of_many_changes_names_some_and_counts_the_rest() -> None:
    """Those that the page leaves out, and those that the API did."""
    told = page(history=[a_verdict("evidence", changes=8, more=10)])
    assert told.count("became known") == 5
    assert "and 13 more" in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0001, "1 ms"),
        (0.25, "250 ms"),
        (1, "1 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_661, "1 h 1 min"),
        (11_520, "3 h 12 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
        (86_401, "1 d"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    """Precise enough to judge by, short enough to read."""
    assert duration(seconds) == words


def test_times_that_would_look_alike_are_shown_whole() -> None:
    """An access a microsecond after its evidence ended must not look as if it was covered."""
    end, time = "2026-03-02T12:00:00.000000Z", "2026-03-02T12:00:00.000001Z"
    assert shorten_times(f"up to {end}") == "up to 2026-03-02 12:00:00"
    assert shorten_times(f"up to {end}", f"at {time}") == "up to 2026-03-02 12:00:00.000000"
    assert shorten_times(f"{end} {time}") == "2026-03-02 12:00:00.000000 2026-03-02 12:00:00.000001"
    assert shorten_times("2026-03-02T12:00:00Z") == "2026-03-02 12:00:00"

"""What caused each verdict of an access."""

from datetime import UTC, datetime, timedelta
from typing import Any

from earwitness.query.causes import MOST_NAMED, with_causes
from earwitness.query.evidence import Registration

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_verdict(evidence_version: int, **changes: Any) -> dict[str, Any]:
    return {
        "verdict": "unjustified",
        "reason": "actor_not_assigned",
        "policy_digest": "d",
        "evidence_version": evidence_version,
    } | changes


def registered(ref: str, version: int, *, status: str = "active", first: bool = False) -> Registration:
    return Registration(ref, version, NOON + timedelta(seconds=version), status, first)


def causes(history: list[dict[str, Any]], *registrations: Registration) -> list[tuple[str, list[Any]]]:
    told = with_causes(history, registrations, {"ticket:T-1"})
    return [
        (verdict["cause"]["kind"], [(each["ref"], each["change"]) for each in verdict["cause"]["changes"]])
        for verdict in told
    ]


def test_the_first_verdict_is_the_first() -> None:
    """Whatever the registers did before it."""
    assert causes([a_verdict(5)], registered("ticket:T-1", 5)) == [("first", [])]


def test_a_verdict_is_caused_by_what_entered_the_registers_since_the_one_before() -> None:
    """From above the version of the one before up to its own, which are both counted by a verdict."""
    history = [a_verdict(5), a_verdict(7), a_verdict(9)]
    changes = [
        registered("ticket:T-1", 5, first=True),
        registered("ticket:T-1", 6),
        registered("ticket:T-1", 7),
        registered("ticket:T-1", 9, status="withdrawn"),
        registered("ticket:T-1", 10),
    ]
    assert causes(history, *changes) == [
        ("first", []),
        ("evidence", [("ticket:T-1", "changed"), ("ticket:T-1", "changed")]),
        ("evidence", [("ticket:T-1", "withdrawn")]),
    ]


def test_what_the_access_cites_or_rests_on_comes_before_what_says_who_the_actor_is() -> None:
    """A nightly sync writes every employment anew; the ticket is what mattered."""
    history = [a_verdict(1), a_verdict(3)]
    staff, ticket = registered("staff:e-1", 2), registered("ticket:T-1", 3, first=True)
    assert causes(history, staff, ticket)[1] == ("evidence", [("ticket:T-1", "new")])
    assert causes(history, staff)[1] == ("evidence", [("staff:e-1", "changed")])


def test_a_grace_that_ended_is_no_change_of_the_registers() -> None:
    """Time passed, and nobody told of the evidence."""
    pending = a_verdict(1, verdict="pending", reason="evidence_not_found")
    over = a_verdict(9, reason="evidence_not_found")
    assert causes([pending, over], registered("staff:e-1", 4))[1] == ("grace_ended", [])


def test_another_policy_and_what_nobody_can_tell() -> None:
    """A cause is never made up."""
    assert causes([a_verdict(1), a_verdict(2, policy_digest="e")])[1] == ("policy", [])
    assert causes([a_verdict(1), a_verdict(2)])[1] == ("unknown", [])


def test_a_cause_names_a_limited_number_of_changes_and_counts_the_rest() -> None:
    """A ticket that a broken hook wrote a thousand times does not fill the page."""
    changes = [registered("ticket:T-1", version) for version in range(2, 102)]
    cause = with_causes([a_verdict(1), a_verdict(200)], changes, {"ticket:T-1"})[1]["cause"]
    assert (len(cause["changes"]), cause["more"]) == (MOST_NAMED, 100 - MOST_NAMED)
    assert cause["changes"][-1]["version"] == 101

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from earwitness.demo.day import FEWEST_ACCESSES, Day, simulate
from earwitness.demo.scenarios import EVERYDAY, MISUSE, Scenario
from models import AccessEvent
from models.verdict import JUSTIFIED, Reason

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
REASONS_OF_NO_DAY = {"no_policy_in_effect", "judge_error"}
"""An access before the first policy is no access of a recent day; a broken judge is no scene."""

CLAUSES = {
    *("access.resolve-complaint", "access.maintain-service", "access.enhance-service"),
    *("third-party.maintain-databases-servers", "third-party.process-sms"),
    *("third-party.process-calls", "third-party.process-payments"),
    *("business-transfer", "related-company"),
    *("legal.obligation", "legal.rights-and-property", "legal.liability"),
    *("customer.elected-application", "customer.own-use", "use.provide-service", "no-sale-or-transfer"),
}


@pytest.fixture(scope="module")
def day() -> Day:
    """Make a day of the least size, on which everything must already be found."""
    return simulate(NOW, seed=1, accesses=FEWEST_ACCESSES)


def test_a_day_has_exactly_the_accesses_asked_for() -> None:
    """A benchmark divides by the number it asked for."""
    assert [len(simulate(NOW, 1, count).accesses) for count in (500, 1_234)] == [500, 1_234]


def test_a_day_too_small_for_every_scene_is_refused() -> None:
    """A demo that silently left misuse out would promise what it does not show."""
    with pytest.raises(ValueError, match=r"at least 500 accesses; 499 were asked for"):
        simulate(NOW, 1, FEWEST_ACCESSES - 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_access_of_a_full_day_is_a_valid_event(seed: int) -> None:
    """Events are made without the model, for speed, and must keep its rules all the same."""
    for access in simulate(NOW, seed, 5_000).accesses:
        AccessEvent.model_validate_json(access.to_json())


def test_every_scene_is_played_even_on_the_smallest_day(day: Day) -> None:
    """The smaller demo shows as many kinds as the larger."""
    assert {access.kind for access in day.accesses} == {one.kind for one in (*EVERYDAY, *MISUSE)}


def test_a_day_shows_every_reason_it_can(day: Day) -> None:
    """A person learns each reason from an example."""
    shown = {access.label.reason for access in day.accesses}
    assert shown == set(get_args(Reason)) - REASONS_OF_NO_DAY


def test_a_day_shows_every_clause(day: Day) -> None:
    """Each clause of the policy has accesses that it covers, or that break it."""
    assert {access.label.clause for access in day.accesses} - {None} == CLAUSES


def test_misuse_hides_in_the_everyday() -> None:
    """Misuse that is half of the day would not show that it can be found."""
    accesses = simulate(NOW, 1, 20_000).accesses
    misuse = sum(access.label.verdict != JUSTIFIED for access in accesses)
    assert 0.005 < misuse / len(accesses) < 0.02


def test_ids_and_refs_are_of_one_thing_each(day: Day) -> None:
    """An id that two accesses shared would be one access; a ref that two records shared, one record."""
    assert len({access.id for access in day.accesses}) == len(day.accesses)
    assert len({record.ref for record in day.evidence}) == len(day.evidence)


def test_accesses_lie_within_the_last_day_and_never_in_the_future(day: Day) -> None:
    """`search` shows the last 24 hours, and a time in the future is a dead letter."""
    times = [datetime.fromisoformat(str(access.event["time"])) for access in day.accesses]
    assert times == sorted(times)
    assert timedelta() < NOW - times[-1]
    assert NOW - times[0] < timedelta(hours=23, minutes=5)


def test_an_id_carries_the_time_of_its_access(day: Day) -> None:
    """A worker tells from a version 7 id how far back to look for copies."""
    for access in day.accesses:
        milliseconds = int(access.id.replace("-", "")[:12], 16)
        time = datetime.fromisoformat(str(access.event["time"]))
        assert milliseconds == int(time.timestamp() * 1000)
        assert access.id[14] == "7"


def test_every_producer_counts_without_a_gap(day: Day) -> None:
    """A gap in a producer's sequence means a lost event, so the demo must have none."""
    seen: Counter[object] = Counter()
    for access in day.accesses:
        seen[access.event["producer"]] += 1
        assert access.event["sequence"] == seen[access.event["producer"]]


def test_the_same_arguments_make_the_same_day(day: Day) -> None:
    """A day that went wrong can be made again from its seed and time."""
    assert simulate(NOW, 1, FEWEST_ACCESSES) == day


def test_the_same_seed_plays_the_same_scenes_at_another_time(day: Day) -> None:
    """A day with something odd in it can be played again later, under new ids."""
    again = simulate(NOW + timedelta(hours=7, seconds=11), 1, FEWEST_ACCESSES)
    casts = [
        Counter((access.kind, str(access.event["actor_id"]).replace(one.tag, "")) for access in one.accesses)
        for one in (day, again)
    ]
    assert casts[0] == casts[1]


@pytest.mark.parametrize(("later_s", "seed"), [(0, 2), (1, 1)])
def test_another_day_shares_no_id_with_the_first(day: Day, later_s: int, seed: int) -> None:
    """The demo runs again in the same data folder; nothing of one day may explain another's accesses."""
    other = simulate(NOW + timedelta(seconds=later_s), seed, FEWEST_ACCESSES)
    names = [_names(one) for one in (day, other)]
    assert not names[0] & names[1]


def _names(day: Day) -> set[str]:
    fields = ("id", "actor_id", "organization", "actor_team", "customer_id", "resource_id", "recipient")
    names = {str(access.event.get(name)) for access in day.accesses for name in fields}
    for record in day.evidence:
        names.update((record.ref, str(record.organization)))
        names.update((*record.customer_ids, *record.resource_ids, *record.assignees))
        names.update((*record.aliases, *record.teams))
    return names - {"None", "*"}


def test_what_is_cited_and_pending_is_known_to_no_register(day: Day) -> None:
    """The scene is about evidence that does not exist."""
    refs = {record.ref for record in day.evidence}
    pending = [access for access in day.accesses if access.label.verdict == "pending"]
    assert pending
    assert all(access.event["evidence_ref"] not in refs for access in pending)


def test_more_evidence_is_added_as_old_closed_tickets() -> None:
    """A benchmark wants full registers that change no verdict."""
    lean = simulate(NOW, 1, FEWEST_ACCESSES)
    full = simulate(NOW, 1, FEWEST_ACCESSES, evidence_target=3_000)
    added = full.evidence[len(lean.evidence) :]
    assert len(full.evidence) == 3_000
    assert full.accesses == lean.accesses
    assert all(record.valid_to and record.valid_to < NOW - timedelta(days=1) for record in added)


@pytest.mark.parametrize(("scenarios", "longest"), [(EVERYDAY, 48), (MISUSE, 66)])
def test_every_story_is_one_sentence_that_fits_its_line(scenarios: Sequence[Scenario], longest: int) -> None:
    """It stands in a table that is read line by line on a screen 110 characters wide."""
    for scenario in scenarios:
        assert scenario.story.endswith("."), scenario.kind
        assert len(scenario.story) <= longest, scenario.kind

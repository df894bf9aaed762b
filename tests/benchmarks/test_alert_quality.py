"""The made-up month is the one that docs/alert-population.md describes, and alerts find its misuse."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from benchmarks.alert_quality import misuse
from benchmarks.alert_quality.__main__ import HELD_OUT, TUNING
from benchmarks.alert_quality.deeds import Deed, Incident
from benchmarks.alert_quality.judged import Court, Given
from benchmarks.alert_quality.measuring import BEGIN, measure
from benchmarks.alert_quality.month import DAYS, Month
from benchmarks.alert_quality.noise import plan_noise
from benchmarks.alert_quality.scoring import Raised, score
from earwitness.alerts.loading import load_rules
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT, Settings

SMALL = 30_000
NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
SEEN_BY_THE_JUDGE = {
    "browsing": {"purpose_not_declared"},
    "family": {"evidence_not_cited"},
    "known_person": {"evidence_wrong_customer"},
    "phantom_ticket": {"evidence_not_found"},
    "self_recorded": {"evidence_self_recorded"},
    "outside_transfer": {"outside_transfer"},
    "leaver": {"actor_not_employed", "purpose_not_declared"},
}
IN_BEHAVIOUR_ALONE = (
    "bulk_before_leaving",
    "ticket_handed_round",
    "slow_collection",
    "vendor_off_pattern",
)


def a_month(seed: int, accesses: int = SMALL) -> Month:
    month = Month(seed, BEGIN, accesses)
    misuse.plan_misuse(month)
    plan_noise(month)
    return month


@cache
def deeds_and_incidents(seed: int) -> tuple[list[Deed], list[Incident]]:
    month = a_month(seed)
    return [deed for day in month.days() for deed in day.deeds], month.incidents


def test_the_same_seed_makes_the_same_month() -> None:
    """A figure can be looked into afterwards."""
    one, other = ([deed for day in a_month(4).days() for deed in day.deeds] for _ in range(2))
    assert one == other
    assert one != deeds_and_incidents(5)[0]


def test_a_whole_month_has_the_misuse_that_the_page_names() -> None:
    """At least 200 incidents of at least 12 kinds."""
    named = (ROOT / "docs/alert-population.md").read_text(encoding="utf-8")
    for kind, count in misuse.KINDS.items():
        assert f"| {kind.__name__} | {count} |" in named
    assert (len(misuse.KINDS), sum(misuse.KINDS.values())) == (16, 224)


def test_every_incident_is_in_the_trail_or_names_somebody() -> None:
    """Else no alert could ever find it."""
    deeds, incidents = deeds_and_incidents(4)
    in_trail = {deed.incident for deed in deeds} - {""}
    assert all(incident.id in in_trail or incident.names for incident in incidents)
    assert in_trail <= {incident.id for incident in incidents}


def test_a_month_keeps_its_size_and_its_shares() -> None:
    """Most accesses are by services and customers, and most work is done by day."""
    deeds, _ = deeds_and_incidents(4)
    by_type = Counter(deed.event.actor_type for deed in deeds)
    assert 0.8 * SMALL < len(deeds) < 1.6 * SMALL
    assert by_type["service"] == pytest.approx(0.46 * SMALL, rel=0.1)
    assert by_type["customer"] == pytest.approx(0.30 * SMALL, rel=0.1)
    staff = Counter(deed.event.time.hour for deed in deeds if deed.event.actor_type == "employee")
    assert staff[10] > 5 * staff[3]


def test_honest_work_is_about_known_persons_and_relatives_as_often_as_in_the_literature() -> None:
    """1.4 and 10 of 10,000 complaints: so few in a small month that only a bound can be told."""
    month = a_month(4, 300_000)
    staff = [
        deed.event.customer_id
        for day in month.days()
        for deed in day.deeds
        if deed.event.actor_type == "employee" and not deed.incident
    ]
    known, relatives = set(month.company.known_persons), set(month.company.relatives)
    assert sum(customer in known for customer in staff) <= 6e-4 * len(staff)
    assert 3e-4 * len(staff) <= sum(customer in relatives for customer in staff) <= 25e-4 * len(staff)
    assert not known & relatives & set(month.company.customers)


def test_what_is_published_is_of_seeds_that_nobody_tuned_on() -> None:
    """Else it says how well the rules know the month."""
    assert not set(HELD_OUT) & set(TUNING)


def test_the_real_judge_sees_what_the_page_says_it_sees() -> None:
    """Misuse of these kinds is unjustified in the end, for that reason; that of others is justified."""
    month = a_month(4)
    court = Court(read_policies(Settings().policies_dir))
    last: dict[str, Given] = {}
    for day in month.days():
        last |= {given.deed.event.id: given for given in court.sit(day) if isinstance(given, Given)}
    reasons: dict[str, set[str]] = {}
    for given in last.values():
        if given.deed.incident:
            kind = given.deed.incident.rsplit("-", 1)[0]
            reasons.setdefault(kind, set()).add(given.verdict.reason)
    for kind, expected in SEEN_BY_THE_JUDGE.items():
        assert reasons[kind] <= expected, kind
    for kind in IN_BEHAVIOUR_ALONE:
        assert reasons[kind] <= {"clause_met", "derived"}, kind


def test_alerts_are_counted_once_and_incidents_found_once() -> None:
    """Two alerts of one incident are two alerts, both true, and one incident found."""
    incidents = [
        Incident("browsing-0", "browsing", NOON, NOON),
        Incident("family-0", "family", NOON, NOON),
        Incident("trail_in_bulk-0", "trail_in_bulk", NOON, NOON, ("principal=i-1",)),
    ]
    raised = [
        Raised("a", NOON, frozenset({"x"}), {"actor_id": "e-1"}),
        Raised("a", NOON, frozenset({"y"}), {"actor_id": "e-1"}),
        Raised("b", NOON + timedelta(hours=1), frozenset(), {"principal": "i-1"}),
        Raised("b", NOON + timedelta(days=9), frozenset(), {"principal": "i-1"}),
        Raised("b", NOON, frozenset({"honest"}), {"actor_id": "e-2"}),
    ]
    scored = score(raised, incidents, {"x": "browsing-0", "y": "browsing-0"}, DAYS)
    assert (scored.total.alerts, scored.total.true, len(scored.total.found)) == (5, 3, 2)
    assert scored.recall == pytest.approx(2 / 3)
    assert scored.total.precision == pytest.approx(3 / 5)
    assert scored.found_by_kind == {"browsing": (1, 1), "family": (0, 1), "trail_in_bulk": (1, 1)}
    assert (scored.by_rule["a"].precision, scored.by_rule["b"].alerts) == (1.0, 3)


def test_the_alerts_of_a_small_month_find_most_misuse_and_accuse_few() -> None:
    """A change that makes alerts much worse is seen at once; docs/reports has the figures of whole months.

    A small month has nearly all the noise of a whole one and a fourteenth of its misuse: of its alerts about
    half are true.
    """
    month = measure(4, SMALL, load_rules(ROOT / "alert_rules"), lambda _: None)
    assert month.score.recall >= 0.75, month.score.found_by_kind
    assert month.score.total.precision >= 0.35, month.score.by_rule

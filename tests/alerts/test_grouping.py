"""Hits become alerts: one for each fingerprint while it lasts, and the same however often they are told."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from earwitness.alerts.grouping import Grouper, Hit, Known, Raised
from models.alerts import BY_ALERTER, MOST_MEMBERS, Entry, Member
from tests.alerts.builders import BEHAVIOUR_RULE, NOON, a_hit, a_rule, minutes


def kinds(raised: Raised) -> list[str]:
    return [entry.kind for entry in raised.entries]


def known(hit: Hit, **changes: object) -> tuple[Known, list[tuple[object, str, object]]]:
    """An alert as the store has it that this hit raised, and its membership."""
    raised = Grouper().take([hit], hit.at)
    (entry,) = raised.entries
    alert = Known(entry.alert_id, hit.fingerprint, "open", hit.at, hit.at, 1, closed_by_alerter=False)
    return alert._replace(**changes), [(entry.alert_id, each.source, each.id) for each in raised.members]  # type: ignore[arg-type]


def test_what_agrees_in_its_grouping_is_one_alert() -> None:
    """Ten accesses of one person are one question to ask."""
    raised = Grouper().take([a_hit(number) for number in range(10)], NOON)
    assert kinds(raised) == ["raised"]
    assert len({member.id for member in raised.members}) == 10


def test_another_actor_is_another_alert() -> None:
    """What two people did are two questions."""
    assert kinds(Grouper().take([a_hit(1, "e-1"), a_hit(1, "e-2")], NOON)) == ["raised", "raised"]


def test_after_the_dedup_period_it_is_told_again() -> None:
    """An alert that nobody looked at for a day is not to swallow what is new."""
    raised = Grouper().take([a_hit(1), a_hit(2, at=NOON + timedelta(days=1))], NOON)
    assert kinds(raised) == ["raised", "raised"]


def test_an_access_after_an_alert_was_closed_is_news() -> None:
    """Who closed it has not seen this one."""
    alert, belonging = known(a_hit(1), state="closed")
    assert kinds(Grouper([alert], belonging).take([a_hit(2, at=NOON + minutes(5))], NOON)) == ["raised"]  # type: ignore[arg-type]


def test_the_same_access_told_again_is_none() -> None:
    """A process that was killed reads its findings again; a person's close stays closed."""
    for state in ("open", "acknowledged", "closed"):
        alert, belonging = known(a_hit(1), state=state)
        raised = Grouper([alert], belonging).take([a_hit(1)], NOON + minutes(9))  # type: ignore[arg-type]
        assert raised == Raised([], [])


def test_an_alert_that_evidence_closed_opens_again_where_the_evidence_is_withdrawn() -> None:
    """The access is judged again, later than the alert was closed, and is unjustified again."""
    alert, belonging = known(a_hit(1), state="closed", state_since=NOON + minutes(10), closed_by_alerter=True)
    again = a_hit(1)._replace(at=NOON + minutes(20))
    raised = Grouper([alert], belonging).take([again], NOON + minutes(20))  # type: ignore[arg-type]
    assert kinds(raised) == ["reopened"]
    replayed = a_hit(1)
    assert Grouper([alert], belonging).take([replayed], NOON + minutes(20)).entries == []  # type: ignore[arg-type]


def test_a_crowd_beyond_measure_does_not_fill_the_store() -> None:
    """The count that a person needs is known long before."""
    alert, belonging = known(a_hit(1), access_count=MOST_MEMBERS)
    assert Grouper([alert], belonging).take([a_hit(2)], NOON) == Raised([], [])  # type: ignore[arg-type]


def test_behaviour_is_told_once_however_often_it_is_looked_at() -> None:
    """It is seen at every look of the window; closing its alert must not raise it again a minute later."""
    rule = a_rule(BEHAVIOUR_RULE)
    hits = [a_hit(1, rule=rule, at=NOON + minutes(number), access_count=50) for number in range(100)]
    raised = Grouper().take(hits, NOON)
    assert kinds(raised) == ["raised"]
    assert raised.entries[0].access_count == 50
    alert, belonging = known(hits[0], state="closed")
    assert Grouper([alert], belonging).take(hits[50:], NOON).entries == []  # type: ignore[arg-type]


def stored(grouper_of: list[list[Hit]]) -> tuple[dict[object, Entry], set[tuple[object, object]]]:
    """Play batches, each by a new process that knows what is stored; give what is stored in the end."""
    entries: dict[object, Entry] = {}
    members: dict[tuple[object, str, object], Member] = {}
    for batch in grouper_of:
        alerts = [
            Known(e.alert_id, e.fingerprint, "open", e.at, e.at, 1, closed_by_alerter=False)
            for e in entries.values()
            if e.kind == "raised"
        ]
        raised = Grouper(alerts, list(members)).take(batch, max(hit.at for hit in batch))  # type: ignore[arg-type]
        entries.update({entry.id: entry for entry in raised.entries})
        members.update({(m.alert_id, m.source, m.id): m for m in raised.members})
    return entries, {(alert, id_) for alert, _, id_ in members}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Hit], list[int]]:
    count = draw(st.integers(1, 12))
    hits = [
        a_hit(number, draw(st.sampled_from(["e-1", "e-2"])), NOON + minutes(number))
        for number in range(count)
    ]
    return hits, draw(st.lists(st.integers(0, count), max_size=4))


@given(histories())
def test_kills_and_replays_change_nothing(history: tuple[list[Hit], list[int]]) -> None:
    """Wherever a process dies, the next begins at an earlier finding and comes to the same alerts."""
    hits, kills = history
    batches, begin = [], 0
    for kill in sorted(kills):
        if hits[begin:kill]:
            batches.append(hits[begin:kill])
        begin = max(0, kill - 2)
    batches.append(hits[begin:] or hits[-1:])
    entries, members = stored(batches)
    once_entries, once_members = stored([[hit] for hit in hits])
    assert set(entries) == set(once_entries)
    assert members == once_members
    assert {entry.done_by for entry in entries.values()} == {BY_ALERTER}

"""What is still to be told is a question to the real store: no kill loses it, and nothing vanishes unsaid."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from earwitness.alerting.notices import ENDED_WITHIN, TOLD_WITHIN, Outbox, Pending
from earwitness.alerts.rules import Rule
from earwitness.cli import wiring
from earwitness.query.clickhouse import ClickHouseStore
from models.alerts import Delivery, DeliveryStatus, Entry, EntryKind, Silence, entry_id
from models.topics import ACCESS_EVENTS
from sinks.clickhouse.alerts import AlertLog
from sinks.clickhouse.client import ClickHouse
from tests.alerting.test_alerter import alerting, an_access, told, wait_until
from tests.alerts.builders import a_rule
from tests.api.world import encode, send
from tests.channels.receivers import receiving
from tests.conftest import Stack

pytestmark = pytest.mark.stack

CHANNELS = ("soc", "mail")
HOUR = timedelta(hours=1)


class FixedLinks:
    """Links that lead nowhere."""

    def alert(self, alert_id: UUID) -> str:
        return f"http://127.0.0.1/alerts/{alert_id}"

    def question(self, alert_id: UUID, access: str) -> tuple[str, str] | None:
        return None


class World:
    """Alerts of a rule of this test's own, in the stack's tables."""

    def __init__(self, store: ClickHouseStore, log: AlertLog, people: AlertLog) -> None:
        self.now = datetime.now(UTC)
        self.rule: Rule = a_rule().model_copy(update={"id": f"rule-{uuid4().hex[:12]}"})
        self._store = store
        self._log = log
        self._people = people

    def happened(self, ago: timedelta, kind: EntryKind = "raised", alert: UUID | None = None) -> Entry:
        alert = alert or uuid4()
        entry = Entry(
            alert,
            entry_id(alert, kind),
            self.now - ago,
            kind,
            "tests",
            rule=self.rule.id if kind == "raised" else "",
            severity="high",
            title="Something",
            grouping={"actor_id": str(alert)},
            access_count=3,
        )
        self._log.write([entry])
        return entry

    def tried(self, entry: Entry, channel: str, status: DeliveryStatus, attempt: int = 1) -> None:
        row = Delivery(str(entry.id), entry.alert_id, channel, attempt, entry.at, status, 500, "no", 3)
        self._log.deliver([row])

    def silence(self, entry: Entry) -> None:
        ends_at = self.now + HOUR
        self._people.silence(
            Silence(uuid4(), self.rule.id, entry.grouping, "known", self.now - HOUR, "tests", ends_at),
            "tests",
        )

    def pending(self, since: timedelta = TOLD_WITHIN) -> dict[str, Pending]:
        outbox = Outbox(self._store, CHANNELS, FixedLinks())
        found = outbox.pending({self.rule.id: self.rule}, self.now - since, self.now)
        return {each.notice.id: each for each in found}


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    address = wiring.clickhouse(stack.settings("alerter").clickhouse)
    store, log = ClickHouseStore(**address._asdict(), query_timeout_s=30), AlertLog(ClickHouse(address))
    people = AlertLog(ClickHouse(wiring.clickhouse(stack.settings("admin").clickhouse)))
    yield World(store, log, people)
    people.close()
    log.close()
    store.close()


def test_what_happened_is_pending_until_every_channel_has_it(world: World) -> None:
    """Or has given it up; with the number of tries that each has behind it."""
    entry = world.happened(HOUR)
    assert dict(world.pending()[str(entry.id)].attempts) == {}
    world.tried(entry, "soc", "failed", 1)
    world.tried(entry, "soc", "failed", 2)
    pending = world.pending()[str(entry.id)]
    assert (dict(pending.attempts), pending.done) == ({"soc": 2}, frozenset())
    world.tried(entry, "soc", "delivered", 3)
    assert world.pending()[str(entry.id)].done == {"soc"}
    world.tried(entry, "mail", "given_up", 1)
    assert world.pending() == {}


def test_a_notice_tells_ids_a_count_and_a_link(world: World) -> None:
    """The rest is behind the link, where who may see it is known."""
    entry = world.happened(HOUR)
    notice = world.pending()[str(entry.id)].notice
    assert (notice.kind, notice.severity, notice.access_count) == ("raised", "high", 3)
    assert notice.link == f"http://127.0.0.1/alerts/{entry.alert_id}"
    assert notice.runbook == world.rule.runbook


def test_they_come_in_the_order_in_which_they_happened(world: World) -> None:
    """Raised, closed, opened again."""
    raised = world.happened(3 * HOUR)
    closed = world.happened(2 * HOUR, "closed", raised.alert_id)
    again = world.happened(HOUR, "reopened", raised.alert_id)
    assert list(world.pending()) == [str(raised.id), str(closed.id), str(again.id)]


def test_what_a_silence_holds_is_not_told(world: World) -> None:
    """It is on the list all the same."""
    entry = world.happened(HOUR)
    world.silence(entry)
    assert world.pending() == {}


def test_what_was_being_tried_when_the_last_process_ended_comes_to_an_end(world: World) -> None:
    """After three days it is given up, loudly: with a last try, and never by being forgotten."""
    tried, untried = (world.happened(TOLD_WITHIN + HOUR) for _ in range(2))
    world.tried(tried, "soc", "failed", 40)
    forgotten = world.happened(ENDED_WITHIN + HOUR)
    world.tried(forgotten, "soc", "failed", 40)
    pending = world.pending()
    assert str(tried.id) in pending
    assert str(untried.id) not in pending
    assert str(forgotten.id) not in pending
    world.tried(tried, "soc", "given_up", 41)
    assert world.pending() == {}


def test_what_is_asked_for_lately_is_what_happened_lately(world: World) -> None:
    """That question is asked every other second, so it must not read three days."""
    old, new = world.happened(HOUR), world.happened(timedelta(seconds=1))
    world.tried(old, "soc", "failed")
    assert set(world.pending(timedelta(seconds=30))) == {str(new.id)}


def test_killed_between_sent_and_recorded_it_is_told_again_under_the_same_id(
    stack: Stack, tmp_path: Path
) -> None:
    """The receiver kills the process when it has the notice and before it answers."""
    actor = f"v-{uuid4().hex[:8]}"
    heard: list[str] = []
    with receiving() as receiver, alerting(stack, tmp_path, receiver) as alerters:
        answer = receiver.answer

        def kills(handler: BaseHTTPRequestHandler) -> None:
            if handler.headers["webhook-id"] and not heard:
                heard.append(handler.headers["webhook-id"])
                alerters.kill()
                return
            heard.append(handler.headers["webhook-id"])
            answer(handler)

        receiver.answer = kills  # type: ignore[method-assign]
        alerters.start()
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, 1))])
        wait_until(lambda: len(heard) == 1, lambda: heard)
        alerters.start()
        wait_until(lambda: heard.count(heard[0]) == 2, lambda: heard)


def test_what_a_process_found_away_the_next_one_tells(stack: Stack, tmp_path: Path) -> None:
    """The receiver answers 500 while one alerter lives; another begins when it is well again."""
    actor = f"v-{uuid4().hex[:8]}"
    with receiving() as receiver, alerting(stack, tmp_path, receiver) as alerters:
        receiver.behaviour = 500
        alerters.start()
        send(stack, "producer", ACCESS_EVENTS, [encode(an_access(actor, number)) for number in range(5)])
        wait_until(lambda: len(receiver.requests) >= 2, lambda: len(receiver.requests))
        alerters.kill()
        receiver.requests.clear()
        receiver.behaviour = 200
        alerters.start()
        wait_until(lambda: len(told(receiver)) >= 5, lambda: told(receiver))
        assert len(receiver.requests) == len({request.headers["webhook-id"] for request in receiver.requests})

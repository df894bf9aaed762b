"""Heartbeats on a real ClickHouse, as the user of the API writes them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from earwitness.cli import wiring
from models.errors import QueryRejected, SinkUnavailable
from models.registers import Heartbeat
from sinks.clickhouse import heartbeats
from sinks.clickhouse.activity import Activity
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.heartbeats import HeartbeatLog, Teller, read_registers
from tests.conftest import Stack

pytestmark = pytest.mark.stack

BY = Teller("ann", "cli")


class World:
    """A log of heartbeats, what it recorded, and a register that no other test beats for."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self.clickhouse = clickhouse
        self.recorded: list[Activity] = []
        self.log = HeartbeatLog(clickhouse, self.recorded.append)
        self.name = f"register-{uuid4().hex[:8]}"

    def beat(self, every_s: int = 60, *kinds: str) -> bool:
        declared = {"name": self.name, "kinds": kinds or ("complaint",), "every_s": every_s}
        return self.log.beat(Heartbeat.model_validate(declared), BY)

    @property
    def beat_count(self) -> int:
        query = "SELECT count() FROM register_heartbeats WHERE register = %(name)s"
        return int(self.clickhouse.execute(query, {"name": self.name})[0][0])


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    made = World(ClickHouse(wiring.clickhouse(stack.settings("api").clickhouse)))
    yield made
    made.log.retire(made.name, BY)
    made.log.close()


def test_only_what_changes_who_is_watched_is_recorded(world: World) -> None:
    """A beat a minute would bury every search; a register that promises less must not go unseen."""
    assert world.beat(60)
    assert not world.beat(60)
    assert world.beat(3_600)
    assert world.beat(3_600, "complaint", "election")
    assert not world.beat(3_600, "election", "complaint", "complaint")
    assert world.log.retire(world.name, BY)
    assert not world.log.retire(world.name, BY)
    assert [(activity.action, activity.query, activity.principal) for activity in world.recorded] == [
        ("registers.declare", f"{world.name} --kinds complaint --every 60s", "ann"),
        ("registers.declare", f"{world.name} --kinds complaint --every 3600s", "ann"),
        ("registers.declare", f"{world.name} --kinds complaint,election --every 3600s", "ann"),
        ("registers.retire", world.name, "ann"),
    ]


def test_a_retired_register_is_brought_back_by_a_beat(world: World) -> None:
    """And that is recorded too."""
    world.beat()
    world.log.retire(world.name, BY)
    (retired,) = [state for state in read_registers(world.clickhouse) if state.name == world.name]
    assert (retired.retired, retired.kinds) == (True, ("complaint",))
    assert world.beat()
    assert [activity.action for activity in world.recorded][-1] == "registers.declare"


def test_what_cannot_be_recorded_is_not_written(world: World) -> None:
    """Otherwise a broken activity log would be the time to switch a warning off."""

    def refuse(_: Activity) -> None:
        raise SinkUnavailable("the activity log could not be written")

    log = HeartbeatLog(world.clickhouse, refuse)
    with pytest.raises(SinkUnavailable):
        log.beat(Heartbeat(name=world.name, kinds=("complaint",), every_s=60), BY)
    assert world.beat_count == 0


def test_a_register_that_beats_with_every_webhook_is_written_now_and_then(world: World) -> None:
    """Each insert is a part on disk; twenty within an interval tell as much as ten thousand."""
    for _ in range(50):
        world.beat(3_600)
    assert world.beat_count == 1
    world.beat(1_800)
    assert world.beat_count == 2


def test_there_is_a_limit_to_the_registers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that makes up a name each time must not fill every scrape and every worker."""
    monkeypatch.setattr(heartbeats, "MOST_REGISTERS", len(read_registers(world.clickhouse)))
    with pytest.raises(QueryRejected, match="there can be no more"):
        world.beat()
    assert world.recorded == []


def test_the_newest_beats_are_read_from_the_projection(world: World, stack: Stack) -> None:
    """A worker asks every two seconds; reading years of beats each time would cost a core."""
    world.beat()
    client = stack.clickhouse("admin")
    try:
        # Forced, for with the few beats of a test the server may take the table, which is as quick then.
        plan = client.execute(
            "EXPLAIN SELECT name, kinds, every_s, beat_at FROM registers"
            " SETTINGS force_optimize_projection_name = 'newest'"
        )
    finally:
        client.disconnect()
    assert any("(newest)" in line for (line,) in plan), plan

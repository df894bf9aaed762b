import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from earwitness.cli import wiring
from earwitness.policy.reach import Selector
from models.pages import Page
from models.ranges import Range
from models.topics import ACCESS_EVENTS
from models.verdict import Verdict
from sinks.base import Block, JudgedAccess, JudgedBefore, NewVerdict, VerdictBlock
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.clickhouse.verdicts import ClickHouseVerdicts
from streams.wire import read_access
from tests.conftest import Stack
from tests.streams.records import an_event, event_id

pytestmark = pytest.mark.stack

NOW = datetime.now(UTC)
NUMBER = 770_001
PENDING = Verdict("pending", "evidence_not_found", None, (), False, "v", "d")
UNJUSTIFIED = PENDING._replace(outcome="unjustified")


@pytest.fixture
def clickhouse(stack: Stack) -> Iterator[ClickHouse]:
    opened = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    yield opened
    opened.close()


def test_a_later_verdict_names_the_registers_that_were_overdue_when_it_was_given(
    clickhouse: ClickHouse, stack: Stack
) -> None:
    """Judged first in a healthy hour and again in an outage, it is the outage that readers must see."""
    event, unknown = read_access(json.dumps(an_event(NUMBER)).encode(), ())
    where = Range(ACCESS_EVENTS, 7_700, 1, 1, NOW.date())
    row = JudgedAccess(event, unknown, PENDING, 1, int(NOW.timestamp() * 1000))
    ClickHouseTrail(clickhouse).write(Block(where, [row], evidence_version=0, judged_at=NOW))

    verdicts, its_id = ClickHouseVerdicts(clickhouse), event_id(NUMBER)
    selection = JudgedBefore(Selector((), ("id",), frozenset({(its_id,)})), 1)
    (access,) = verdicts.select(selection, NOW.date(), None, 1)
    page = Page(NOW.date(), NOW + timedelta(seconds=1), access.id, access.source)
    block = VerdictBlock(page, [NewVerdict(access, UNJUSTIFIED, False, ("hr", "zendesk"))], 1)
    verdicts.write_verdicts(block)

    stored = verdicts.block_of(page)
    assert stored is not None
    assert [item.stale_registers for item in stored.verdicts] == [("hr", "zendesk")]
    reader = stack.clickhouse("reader")
    try:
        query = "SELECT verdict, stale_registers FROM trail WHERE id = %(id)s"
        assert reader.execute(query, {"id": its_id}) == [("unjustified", ["hr", "zendesk"])]
    finally:
        reader.disconnect()

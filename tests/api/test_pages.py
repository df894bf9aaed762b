"""Pages of the real API: first and last seen, counts that add up, and accesses page by page."""

import pytest

from earwitness.cli.client import ApiClient
from models.fields import format_time, parse_time
from tests.api.world import World

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("kind", ["actor", "customer"])
def test_a_page_says_when_and_how_often(api: ApiClient, world: World, kind: str) -> None:
    """By verdict, clause, purpose and kind of actor, each of which adds up to all."""
    found = api.get("pages", kind, getattr(world, f"{kind}_id"))
    times = [format_time(parse_time(event["time"])) for event in world.events]
    assert (found["first"], found["last"], found["total"]) == (times[0], times[-1], 3)
    for part in ("verdicts", "clauses", "purposes", "actor_types"):
        assert sum(one["accesses"] for one in found[part]) == 3, part
    assert found["clauses"] == [
        {"clause": None, "accesses": 2},
        {"clause": "third-party.process-sms", "accesses": 1},
    ]
    assert found["purposes"] == [{"purpose": "process_sms", "accesses": 3}]
    assert [row["id"] for row in found["accesses"]] == [event["id"] for event in reversed(world.events)]


def test_accesses_come_page_by_page(api: ApiClient, world: World) -> None:
    """The counts stand on the first page, so that the next ones cost no more than they show."""
    page = api.get("pages", "actor", world.actor_id, limit=2)
    more = api.get("pages", "actor", world.actor_id, limit=2, after=page["next"])
    ids = [row["id"] for row in (*page["accesses"], *more["accesses"])]
    assert ids == [event["id"] for event in reversed(world.events)]
    assert "total" not in more
    assert more["next"] is None


def test_a_resource_and_a_record_have_pages(api: ApiClient, world: World) -> None:
    """Of evidence: what it justified, not what cited it in vain."""
    found = api.get("pages", "resource", world.unengaged["resource_id"])
    assert (found["total"], found["verdicts"]) == (1, [{"verdict": "unjustified", "accesses": 1}])
    used = api.get("pages", "evidence", world.contract)
    assert [row["id"] for row in used["accesses"]] == [world.engaged["id"]]
    assert used["total"] == 1
    assert api.get("pages", "evidence", world.unknown_ref)["total"] == 0


def test_a_page_of_nothing_says_so(api: ApiClient) -> None:
    """That there was no access is an answer."""
    found = api.get("pages", "customer", "nobody/of this name")
    assert (found["first"], found["last"], found["total"], found["accesses"]) == (None, None, 0, [])


def test_a_page_is_of_its_time(api: ApiClient, world: World) -> None:
    """The counts are of the accesses that are listed."""
    found = api.get("pages", "actor", world.actor_id, since=world.unengaged["time"])
    assert (found["total"], len(found["accesses"])) == (2, 2)

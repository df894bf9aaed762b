"""Saved searches and the dry run, through the API, with the real store behind it."""

from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli.client import ApiClient
from models.errors import QueryRejected
from tests.api.world import World

pytestmark = pytest.mark.stack


def activity_of(api: ApiClient, action: str, text: str) -> list[str]:
    """Give what was recorded of an action, newest last."""
    statement = "SELECT action, query FROM activity ORDER BY time"
    rows = api.post("sql", body={"query": statement, "limit": 10_000})["rows"]
    return [query for named, query in rows if named == action and text in query]


def test_a_search_is_kept_listed_replaced_and_deleted(api: ApiClient) -> None:
    """Relative times stay relative, each change is recorded, and what says nothing new is no change."""
    name = f"s-{uuid4().hex[:8]}"
    saved = api.put("searches", name, body={"query": "actor:e-1   time:>=-7d"})
    assert saved == {"name": name, "query": "actor_id:e-1 time:>=-7d", "changed": True}
    assert api.put("searches", name, body={"query": "actor:e-1 time:>=-7d"})["changed"] is False
    found = api.get("searches", name)
    assert (found["query"], found["saved_by"]) == ("actor_id:e-1 time:>=-7d", "api-token")
    assert found in api.get("searches")["searches"]
    api.put("searches", name, body={"query": "actor:e-2"})
    assert api.get("searches", name)["query"] == "actor_id:e-2"
    assert api.delete("searches", name) == {"name": name, "deleted": True}
    assert api.find("searches", name) is None
    assert activity_of(api, "searches.save", name) == [
        f"{name} actor_id:e-1 time:>=-7d",
        f"{name} actor_id:e-2",
    ]
    assert activity_of(api, "searches.delete", name) == [name]
    assert activity_of(api, "searches.show", name)


@pytest.mark.parametrize("name", ["Upper", "-x", "a b", "x" * 65, "ä", "a'b", ".x"])
def test_a_name_is_plain(api: ApiClient, name: str) -> None:
    """It stands in a path, in a shell and in a record."""
    with pytest.raises(QueryRejected, match="name"):
        api.put("searches", name, body={"query": "actor:e-1"})


@pytest.mark.parametrize("query", ["actr:e-1", "", "   ", "actor:(", "x" * 9_000])
def test_what_is_no_query_is_not_saved(api: ApiClient, query: str) -> None:
    """It is found out when it is saved, not when somebody needs it."""
    name = f"s-{uuid4().hex[:8]}"
    with pytest.raises(QueryRejected):
        api.put("searches", name, body={"query": query})
    assert api.find("searches", name) is None


def test_a_dry_run_says_what_the_trail_says_and_stores_nothing(api: ApiClient, world: World) -> None:
    """By the registers as they stand; that somebody asked is recorded, the access is not."""
    for event in (world.engaged, world.unengaged):
        recorded = api.get("accesses", event["id"])["accesses"][0]
        identifier = str(uuid4())
        judged = api.post("judge", body={**event, "id": identifier})
        for field in ("verdict", "reason", "clause", "evidence_used", "policy_version", "derived"):
            assert judged[field] == recorded[field], field
        assert api.find("accesses", identifier) is None
        assert activity_of(api, "judge", identifier)
    assert judged["missing"]
    assert any(not check["passed"] for check in judged["checks"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"actor_type": "robot"}, "actor_type"),
        ({"colour": "red"}, "colour"),
        ({"organization": None}, "organization"),
        ({"time": "2099-01-01T00:00:00Z"}, "future"),
        ({"id": "ffffffff-ffff-7fff-8fff-ffffffffffff"}, "future"),
    ],
)
def test_a_dry_run_refuses_what_the_trail_would(
    api: ApiClient, world: World, changes: dict[str, Any], said: str
) -> None:
    """Each fault is named by its field."""
    with pytest.raises(QueryRejected, match=said):
        api.post("judge", body={**world.engaged, **changes})

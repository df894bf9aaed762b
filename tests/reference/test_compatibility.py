import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earwitness.reference.__main__ import ACCESS_EVENT, find_breaks, find_stale
from earwitness.reference.compatibility import breaks
from earwitness.reference.schemas import access_event_schema, evidence_record_schema

Schema = dict[str, Any]
Change = Callable[[Schema], object]


def changed(change: Change) -> Schema:
    schema = copy.deepcopy(access_event_schema())
    change(schema)
    return schema


NARROWINGS: dict[str, Change] = {
    "purpose: is gone": lambda s: s["properties"].pop("purpose"),
    "purpose: is required now": lambda s: s["required"].append("purpose"),
    "action: 'listen' is refused now": lambda s: s["properties"]["action"]["enum"].remove("listen"),
    "purpose: maxLength is 10 now, was 64": lambda s: _kind(s, "purpose").update(maxLength=10),
    "purpose: minLength is 3 now, was 1": lambda s: _kind(s, "purpose").update(minLength=3),
    "item_count: maximum is 9 now, was 9223372036854775807": lambda s: _kind(s, "item_count").update(
        maximum=9
    ),
    "purpose: takes no null any more": lambda s: s["properties"]["purpose"]["anyOf"].pop(),
    "actor_id: takes no string any more": lambda s: s["properties"]["actor_id"].update(type="integer"),
    "resource_id: pattern changed": lambda s: s["properties"]["resource_id"].update(pattern="^r-"),
    "actor_id: not changed": lambda s: s["properties"]["actor_id"].update({"not": {"const": "x"}}),
    "session_id: 'any other text' is refused now": lambda s: _kind(s, "session_id").update(enum=["a"]),
    "allOf: a rule about several fields changed": lambda s: s["allOf"].append({"required": ["ip"]}),
}
WIDENINGS: dict[str, Change] = {
    "a new optional field": lambda s: s["properties"].update(mood={"anyOf": [{"type": "string"}]}),
    "a new value": lambda s: s["properties"]["action"]["enum"].append("print"),
    "a longer text": lambda s: _kind(s, "purpose").update(maxLength=128),
    "no limit": lambda s: _kind(s, "purpose").pop("maxLength"),
    "a field that may be left out": lambda s: s["required"].remove("customer_id"),
    "another type as well": lambda s: s["properties"]["purpose"]["anyOf"].append({"type": "integer"}),
    "any text instead of a few": lambda s: s["properties"]["action"].pop("enum"),
}


def _kind(schema: Schema, field: str) -> Schema:
    kind: Schema = schema["properties"][field]["anyOf"][0]
    return kind


@pytest.mark.parametrize("fault", sorted(NARROWINGS))
def test_a_schema_that_refuses_what_was_accepted_is_found_out(fault: str) -> None:
    """A producer that was right yesterday would have its events dead-lettered today."""
    assert breaks(access_event_schema(), changed(NARROWINGS[fault])) == [fault]


@pytest.mark.parametrize("name", sorted(WIDENINGS))
def test_a_schema_may_accept_more(name: str) -> None:
    """The contract grows."""
    assert breaks(access_event_schema(), changed(WIDENINGS[name])) == []


def test_the_items_of_a_list_are_compared_too() -> None:
    """Most of an evidence record is lists."""
    new = copy.deepcopy(evidence_record_schema())
    _kind(new, "customer_ids")["items"]["maxLength"] = 5
    assert breaks(evidence_record_schema(), new) == ["customer_ids[]: maxLength is 5 now, was 128"]


def test_a_new_version_may_refuse_what_an_old_one_took() -> None:
    """Its name in the header tells the two apart."""
    new = changed(lambda s: s["properties"].pop("purpose"))
    new["$id"] = "urn:earwitness:schema:access-event:2"
    assert breaks(access_event_schema(), new) == []


def test_the_committed_schema_is_what_is_compared(tmp_path: Path) -> None:
    """The files in docs/reference are the memory of what was promised."""
    promised = changed(lambda s: s["properties"].update(mood={"type": "string"}))
    (tmp_path / ACCESS_EVENT).parent.mkdir(parents=True)
    (tmp_path / ACCESS_EVENT).write_text(json.dumps(promised), encoding="utf-8")
    assert find_breaks(tmp_path) == [f"{ACCESS_EVENT}: mood: is gone"]


def test_a_file_that_says_something_else_than_the_code_is_stale(tmp_path: Path) -> None:
    """So is one that is missing."""
    (tmp_path / "same.md").write_text("x", encoding="utf-8")
    (tmp_path / "other.md").write_text("old", encoding="utf-8")
    files = {Path("same.md"): "x", Path("other.md"): "new", Path("missing.md"): "y"}
    assert find_stale(tmp_path, files) == ["other.md: is stale", "missing.md: is stale"]

"""Saved searches and the dry run, from the command line."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api.world import World
from tests.cli.conftest import Run

pytestmark = pytest.mark.stack


def test_a_saved_search_finds_and_is_narrowed(ask: Run, world: World) -> None:
    """`--saved` asks what was saved; a query beside it must hold as well."""
    name = f"s-{uuid4().hex[:8]}"
    assert ask("searches", "save", name, f"customer:{world.customer_id} time:>=-1d").exit_code == 0
    rows = ask("search", "--saved", name, "--output", "jsonl").out.splitlines()
    assert len(rows) == len(world.events)
    narrowed = ask("search", "--saved", name, "-verdict:justified", "--output", "jsonl").out.splitlines()
    assert {json.loads(row)["id"] for row in narrowed} == {world.unengaged["id"], world.pending["id"]}
    counted = ask("search", "--saved", name, "--count-by", "verdict", "--output", "json")
    assert json.loads(counted.out)["total"] == 3
    shown = ask("search", "--saved", name, "--show-curl").out
    assert f"customer_id:{world.customer_id}" in shown
    listed = ask("searches", "list")
    assert name in listed.out
    assert "\x1b" not in listed.out
    again = ask("searches", "save", name, f"customer:{world.customer_id} time:>=-1d")
    assert again.err == f"{name} was saved so before\n"
    assert ask("searches", "delete", name).err == f"{name} is deleted\n"
    gone = ask("search", "--saved", name)
    assert (gone.exit_code, gone.out) == (2, "")
    assert "searches list" in gone.err
    assert ask("searches", "delete", name).exit_code == 1


def test_a_fault_in_a_query_is_pointed_at_when_it_is_saved(ask: Run) -> None:
    """Not when somebody needs it."""
    ran = ask("searches", "save", "broken", "actr:e-1 verdict:justified")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "  actr:e-1 verdict:justified\n  ^^^^\n" in ran.err
    assert "try: actor:e-1 verdict:justified" in ran.err
    assert ask("searches", "save", "Not_Plain", "actor:e-1").exit_code == 2


def without_now(out: str) -> list[dict[str, Any]]:
    """Leave out what a pending access lacks, which names the instant of asking."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    return [{**row, "missing": len(row["missing"])} for row in rows]


def test_the_api_judges_as_the_command_does(ask: Run, world: World, tmp_path: Path) -> None:
    """A line that cannot be read is named by its number, the others are judged."""
    file = tmp_path / "events.jsonl"
    events = [json.dumps(event) for event in world.events]
    file.write_text("\n".join(events), encoding="utf-8")
    here = ask("judge", str(file))
    there = ask("judge", str(file), "--against", "api")
    assert there.exit_code == 0, there.err
    assert without_now(there.out) == without_now(here.out)
    file.write_text("\n".join((events[0], '{"id": 1}', "no json", events[1])), encoding="utf-8")
    mixed = ask("judge", str(file), "--against", "api")
    assert mixed.exit_code == 1
    assert len(mixed.out.splitlines()) == 2
    assert "2" in mixed.err
    assert "3" in mixed.err
    assert ask("judge", str(file), "--against", "api", "--evidence", str(file)).exit_code == 2

"""A new user's first questions, by the command line and by curl, and the record that they were asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from earwitness.settings import ROOT
from tests.api.world import World, publish
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

Earwitness = Callable[..., str]


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return publish(stack, uuid4().hex[:8])


@pytest.fixture
def earwitness(stack: Stack) -> Earwitness:
    """Run the command as a person does: a program of its own."""

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "earwitness.cli.main", *arguments, "--data-dir", str(stack.data_dir)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def by_curl(stack: Stack, line: str) -> str:
    token = stack.settings("api").api.token.get_secret_value()
    environment = {"PATH": os.environ["PATH"], "EARWITNESS_API__TOKEN": token}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, check=True, env=environment
    ).stdout


def test_three_questions_have_their_answers_and_are_on_record(
    stack: Stack, world: World, earwitness: Earwitness
) -> None:
    """Who touched this item and by which clause, what a vendor touched last week, what nothing justifies."""
    begun_at = datetime.now(UTC)
    item = world.engaged["resource_id"]
    questions = {
        "item": ("search", f"resource:{item}"),
        "vendor": ("search", f"org:{world.organization}", "time:>=-7d"),
        "unjustified": ("search", f"customer:{world.customer_id}", "verdict:unjustified,pending"),
    }
    found = {}
    for name, question in questions.items():
        told = earwitness(*question, "--output", "jsonl")
        found[name] = [json.loads(line) for line in told.splitlines()]
        line = earwitness(*question, "--show-curl")
        assert json.loads(by_curl(stack, line))["rows"] == found[name]
    (one,) = found["item"]
    assert (one["actor_id"], one["clause"]) == (world.actor_id, "third-party.process-sms")
    assert {row["id"] for row in found["vendor"]} == {event["id"] for event in world.events}
    assert {row["id"] for row in found["unjustified"]} == {world.unengaged["id"], world.pending["id"]}
    recorded = [
        json.loads(line)
        for line in earwitness(
            "search", "--activity", "--since", begun_at.isoformat(), "--limit", "100", "--output", "jsonl"
        ).splitlines()
    ]
    for question in questions.values():
        asked = [done for done in recorded if question[1].split(":", 1)[1] in done["query"]]
        assert {done["surface"] for done in asked} == {"cli", "api"}, question
        assert all(done["principal"] for done in asked)

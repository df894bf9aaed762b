"""A ticket system falls silent and comes back, seen from the command line through everything real."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from earwitness.cli.main import earwitness
from streams.registers import READ_EVERY_S
from tests.conftest import Stack

pytestmark = pytest.mark.stack

HAPPENS_WITHIN_S = 60.0
Row = dict[str, Any]


class Commands:
    """Commands against the stack, and a register and customer of this test alone."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.register = f"tickets-{uuid4().hex[:8]}"
        self.customer = f"acme-{uuid4().hex[:8]}"

    def run(self, *arguments: str) -> str:
        result = CliRunner(env={"COLUMNS": "400"}).invoke(
            earwitness, [*arguments, "--data-dir", str(self._stack.data_dir)]
        )
        assert result.exit_code == 0, result.output
        return result.stdout

    def beat(self, every: str) -> None:
        """Beat, and wait until workers must have noticed."""
        self.run("registers", "beat", self.register, "--kinds", "complaint", "--every", every)
        time.sleep(READ_EVERY_S + 1)

    def publish(self) -> str:
        """Publish an access that cites a ticket nobody told of; give its id."""
        event = {
            "id": str(uuid4()),
            "time": datetime.now(UTC).isoformat(),
            "source": "/services/recording-api",
            "actor_type": "employee",
            "actor_id": "e-1",
            "action": "listen",
            "resource_type": "call_recording",
            "resource_id": "rec-1",
            "customer_id": self.customer,
            "purpose": "resolve_complaint",
            "evidence_ref": f"ticket:{self.customer}",
        }
        file = self._folder / "event.jsonl"
        file.write_text(json.dumps(event), encoding="utf-8")
        self.run("publish", str(file))
        return str(event["id"])

    def rows(self, *query: str) -> dict[str, Row]:
        found = self.run("search", f"customer:{self.customer}", *query, "--output", "jsonl").splitlines()
        return {row["id"]: row for row in map(json.loads, found)}

    def status(self) -> Row:
        """Give what `status` says of the register."""
        registers = json.loads(self.run("status", "--output", "json"))["registers"]
        (mine,) = [each for each in registers if each["name"] == self.register]
        return dict(mine)

    def overdue_metric(self) -> str:
        api = self._stack.settings("api").api
        headers = {"Authorization": f"Bearer {api.token.get_secret_value()}"}
        text = httpx.get(f"{api.url}/metrics", headers=headers, trust_env=False).text
        wanted = f'earwitness_register_overdue{{register="{self.register}"}} '
        return next(line.removeprefix(wanted) for line in text.splitlines() if line.startswith(wanted))


@pytest.fixture
def commands(stack: Stack, tmp_path: Path) -> Iterator[Commands]:
    made = Commands(stack, tmp_path)
    made.beat("1s")
    yield made
    made.run("registers", "retire", made.register)


def until(happened: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + HAPPENS_WITHIN_S
    while not happened():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.2)


def test_an_outage_of_the_ticket_system_is_seen_wherever_somebody_looks(commands: Commands) -> None:
    """In the row, in words, in status, in metrics; and it is over with the next beat."""
    doubtful = commands.publish()
    until(lambda: doubtful in commands.rows())
    assert commands.rows()[doubtful]["stale_registers"] == [commands.register]
    assert list(commands.rows(f"stale_register:{commands.register}")) == [doubtful]
    assert f"overdue then: {commands.register}" in commands.run("search", f"customer:{commands.customer}")
    for command in ("show", "explain"):
        said = commands.run(command, doubtful)
        assert f"The register {commands.register} was overdue by" in said
        assert "complaint records that it had not told of yet could not count" in said
    assert (commands.status()["overdue"], commands.overdue_metric()) == (True, "1.0")
    assert f"{commands.register} is overdue by" in commands.run("doctor")

    commands.beat("1h")
    certain = commands.publish()
    until(lambda: certain in commands.rows())
    stale = {identifier: row["stale_registers"] for identifier, row in commands.rows().items()}
    assert stale == {doubtful: [commands.register], certain: []}
    assert (commands.status()["overdue"], commands.overdue_metric()) == (False, "0.0")

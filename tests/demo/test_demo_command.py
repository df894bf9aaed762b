"""The whole demo on a stack of its own.

Not on the one that other tests share: its staff directory would make strangers of their employees.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import earwitness.cli.demo as demo_command
from earwitness.demo.day import Day, simulate
from earwitness.demo.labels import unjustified
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.settings import ROOT
from models.verdict import JUSTIFIED

pytestmark = pytest.mark.stack

DEMO_LIMIT_S = 120
"""Also the promise: under two minutes once everything is downloaded."""


class Demo:
    """A demo that ran in a data folder, with what it wrote."""

    def __init__(self, data_dir: Path, ran: "subprocess.CompletedProcess[str]") -> None:
        self.data_dir = data_dir
        self.ran = ran


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the smallest demo as a person does, and keep its stack for the tests of this file."""
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    arguments = ["demo", "--accesses", "500", "--seed", "3", "--data-dir", str(data_dir), "--keep"]
    ran = subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", *arguments],
        env={**os.environ, "COLUMNS": "110", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=DEMO_LIMIT_S,
        check=False,
    )
    try:
        yield Demo(data_dir, ran)
    finally:
        control.stop(layout_of(data_dir), print)


def test_every_access_comes_out_of_the_real_stack_as_labelled(demo: Demo) -> None:
    """The main job: from Kafka, judged, into ClickHouse, none missing, none doubled, none otherwise."""
    assert demo.ran.returncode == 0, demo.ran.stdout + demo.ran.stderr
    assert "All 500 accesses came out as labelled" in demo.ran.stdout


def test_it_shows_clauses_reasons_an_explanation_and_what_to_do_next(demo: Demo) -> None:
    """In that order, on stdout; how far it is goes to stderr."""
    headings = (
        *("Justified, by clause", "Not justified, and why", "Alerts, and who is told"),
        *("One access explained", "To go on"),
    )
    places = [demo.ran.stdout.find(heading) for heading in headings]
    assert -1 not in places
    assert places == sorted(places)
    assert demo.ran.stderr.count("✓") == 9


def test_the_misuse_raises_alerts_and_somebody_is_told(demo: Demo) -> None:
    """A message leads to the alert; it names nobody."""
    assert "A receiver on this machine was sent" in demo.ran.stdout
    assert re.search(r"^  http://127\.0\.0\.1:\d+/alerts/[0-9a-f-]{36}$", demo.ran.stdout, re.MULTILINE)


def test_the_access_explained_is_explained_as_the_command_explains_it(demo: Demo) -> None:
    """The command is printed above it, and gives the same again."""
    found = re.search(
        r"earwitness explain (\S+) --data-dir .+\n\n((?:.+\n|\n)+?)\n+To go on", demo.ran.stdout
    )
    assert found is not None, demo.ran.stdout
    again = CliRunner().invoke(
        _explain(), [found[1], "--data-dir", str(demo.data_dir)], env={"COLUMNS": "110"}
    )
    assert again.exit_code == 0
    assert again.stdout.strip() == found[2].strip()


def _explain() -> click.Command:
    return demo_command.explain


def test_with_keep_the_stack_stays_for_the_commands_it_prints(demo: Demo) -> None:
    """Nothing is said about bringing it back, since it is there."""
    assert state.read(demo.data_dir).ready
    assert "Bring the stack back" not in demo.ran.stdout


def test_one_access_judged_otherwise_than_labelled_fails_the_demo(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a second day in the same folder one label is wrong: it is named, with both verdicts."""

    def with_a_wrong_label(now: datetime, seed: int, accesses: int) -> Day:
        day = simulate(now, seed, accesses)
        accesses_of_day = list(day.accesses)
        place = next(at for at, one in enumerate(accesses_of_day) if one.label.verdict == JUSTIFIED)
        wrong = unjustified("purpose_unknown")
        accesses_of_day[place] = accesses_of_day[place]._replace(label=wrong)
        return day._replace(accesses=accesses_of_day)

    monkeypatch.setattr(demo_command, "simulate", with_a_wrong_label)
    ran = CliRunner().invoke(demo_command.demo, ["--accesses", "500", "--data-dir", str(demo.data_dir)])
    assert ran.exit_code == 1, ran.output
    assert "1 access came out otherwise than labelled" in ran.stdout
    assert "expected unjustified, purpose_unknown; found justified" in ran.stdout
    assert "To go on" not in ran.stdout


def test_a_day_too_small_is_bad_use() -> None:
    """Exit 2, before anything is started."""
    ran = CliRunner().invoke(demo_command.demo, ["--accesses", "499"])
    assert ran.exit_code == 2
    assert "499 is not in the range 500<=x<=1000000" in ran.stderr

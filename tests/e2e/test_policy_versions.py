"""Policy versions on the real stack: known once, told to readers, and taken up while a worker runs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earwitness.settings import ROOT
from tests.conftest import Stack
from tests.policy.versions import FIRST, SECOND, SECOND_VERSION

pytestmark = pytest.mark.stack

WITHIN_S = 60.0


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "policies", tmp_path / "policies")


def environment(stack: Stack, policies: Path) -> dict[str, str]:
    """What the supervisor gives a worker, with other policies and a group that has nothing to do."""
    settings = stack.settings("worker")
    kafka, clickhouse = settings.kafka, settings.clickhouse
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("EARWITNESS_")},
        "PYTHONPATH": str(ROOT),
        "EARWITNESS_POLICIES_DIR": str(policies),
        "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": kafka.username,
        "EARWITNESS_KAFKA__PASSWORD": kafka.password.get_secret_value(),
        "EARWITNESS_CLICKHOUSE__HOST": clickhouse.host,
        "EARWITNESS_CLICKHOUSE__PORT": str(clickhouse.port),
        "EARWITNESS_CLICKHOUSE__USERNAME": clickhouse.username,
        "EARWITNESS_CLICKHOUSE__PASSWORD": clickhouse.password.get_secret_value(),
        "EARWITNESS_LOG_FORMAT": "json",
    }


def ask(stack: Stack, user: str, query: str) -> list[tuple[Any, ...]]:
    client = stack.clickhouse(user)
    try:
        rows: list[tuple[Any, ...]] = client.execute(query)
    finally:
        client.disconnect()
    return rows


def test_a_worker_with_another_digest_for_a_known_version_does_not_start(
    stack: Stack, policies: Path
) -> None:
    """Or rows of one version would have been judged by two policies."""
    file = policies / "privacy-policy/2013-02-07/policy.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("grace_hours = 24", "grace_hours = 23"), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", "worker"],
        env=environment(stack, policies),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "version 2013-02-07 has digest" in ended.stderr
    assert f"known by {FIRST.digest}" in ended.stderr
    assert "put its file back as it was" in ended.stderr


def test_what_a_worker_judges_by_is_told_to_readers_once(stack: Stack) -> None:
    """The document, its digest, and that it was registered."""
    query = (
        "SELECT digest, position(document, 'resolve_complaint') > 0 FROM policies"
        " WHERE version = '2013-02-07'"
    )
    assert ask(stack, "reader", query) == [(FIRST.digest, 1)]
    told = (
        "SELECT principal, surface, query FROM activity"
        " WHERE action = 'policy.registered' AND query LIKE '% 2013-02-07,%'"
    )
    assert ask(stack, "reader", told) == [
        ("worker", "worker", f"privacy-policy 2013-02-07, digest {FIRST.digest}")
    ]


@pytest.fixture
def worker(stack: Stack, policies: Path, tmp_path: Path) -> Iterator[Path]:
    """One more worker, with a folder of its own; gives its log."""
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "earwitness.cli.main", "worker"],
            env=environment(stack, policies),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: "worker_ready" in log.read_text(encoding="utf-8"))
        yield log
    finally:
        process.terminate()
        process.wait(WITHIN_S)


def until(done: Any) -> None:
    give_up_at = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.2)


def test_a_running_worker_takes_up_a_version_and_refuses_a_broken_one(
    stack: Stack, policies: Path, worker: Path
) -> None:
    """Nobody has to restart it, and a slip of the pen does not stop it."""
    place = policies / "privacy-policy/2026-01-01"
    place.mkdir()
    (place / "policy.toml").write_text("[[", encoding="utf-8")
    until(lambda: "policy_refused" in worker.read_text(encoding="utf-8"))
    shutil.copytree(SECOND_VERSION / "privacy-policy/2026-01-01", place, dirs_exist_ok=True)
    until(lambda: "policies_taken" in worker.read_text(encoding="utf-8"))
    query = "SELECT version, digest FROM policies WHERE policy = 'privacy-policy' ORDER BY effective_from"
    assert ask(stack, "api", query) == [("2013-02-07", FIRST.digest), ("2026-01-01", SECOND.digest)]

"""Late evidence, and three workers that are killed meanwhile: an independent judge has the last word."""

import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from clickhouse_driver import Client

from tests.conftest import Stack, started
from tests.e2e.test_main_job import command, found, stored, written
from tests.policy.labelled import Labelled, labelled_worlds
from tests.policy.oracle import Answer

pytestmark = pytest.mark.stack

LABELLED = 400
SEED = 20261125
PARTS = 12
SETTLED_WITHIN_S = 180.0
SOURCE = "/tests/late"


@pytest.fixture(scope="module")
def three_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own: the first employment, which comes late here, is everybody's business."""
    with started(tmp_path_factory.mktemp("late") / "data", workers=3) as running:
        yield running


def test_late_evidence_is_judged_as_if_it_had_been_there(three_workers: Stack, tmp_path: Path) -> None:
    """Accesses and evidence come in any order, workers die, and every verdict ends up right, given once."""
    labelled = labelled_worlds(SEED, LABELLED)
    events = [{**event, "source": SOURCE} for event, _ in labelled.cases]
    kills = _tell_in_parts(three_workers, tmp_path, labelled.evidence, events)
    stored(three_workers, SOURCE, len(events))
    assert _disagreeing(three_workers, labelled) == []
    assert kills >= PARTS // 3
    client = three_workers.clickhouse("admin")
    try:
        _assert_given_once(client, kills)
    finally:
        client.disconnect()


def _tell_in_parts(
    stack: Stack, folder: Path, evidence: list[dict[str, Any]], events: list[dict[str, Any]]
) -> int:
    """Publish both in parts, the accesses well before most of the evidence; say how many workers died."""
    rng = Random(SEED)  # noqa: S311 - repeatable
    kills = 0
    for number in range(PARTS):
        put = command(stack, "evidence", "put", written(folder, "evidence.jsonl", _part(evidence, number)))
        assert put.exit_code == 0, put.output
        if number < PARTS // 2:
            part = events[number * 2 * len(events) // PARTS : (number + 1) * 2 * len(events) // PARTS]
            published = command(stack, "publish", written(folder, "events.jsonl", part))
            assert published.exit_code == 0, published.output
        if number % 2:
            kills += _kill_a_worker(stack, rng)
    return kills


def _part(whole: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return whole[number * len(whole) // PARTS : (number + 1) * len(whole) // PARTS]


def _kill_a_worker(stack: Stack, rng: Random) -> int:
    running = [part for part in stack.state.processes if part.name.startswith("worker") and part.pid]
    try:
        psutil.Process(rng.choice(running).pid).send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return 0
    return 1


def _disagreeing(stack: Stack, labelled: Labelled) -> list[Any]:
    """Wait until every access has the verdict of the independent judge; give those that have not."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        rows = found(stack, SOURCE)
        wrong = [
            (event, answer, rows[event["id"].lower()]["reason"])
            for event, answer in labelled.cases
            if _said(rows[event["id"].lower()]) != _expected(answer)
        ]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(1)


def _said(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["verdict"], row["reason"], row["clause"], row["derived"], sorted(row["evidence_used"])


def _expected(answer: Answer) -> tuple[Any, ...]:
    return answer.verdict, answer.reason, answer.clause, answer.derived, sorted(answer.evidence_used)


def _assert_given_once(client: Client, kills: int) -> None:
    """No access has two verdicts of one evidence version, and none is said again without need.

    A verdict that is the same as the one before stands where a successor used up the page of a worker
    that died: at most one for each of them.
    """
    twice = client.execute(
        "SELECT id, source, evidence_version FROM verdict_log GROUP BY ALL HAVING count() > 1"
    )
    assert twice == []
    said = "id, source, verdict, reason, clause, evidence_used, derived"
    history = client.execute(
        f"SELECT {said} FROM (SELECT {said}, evidence_version, judged_at, 0 AS again FROM access_log"  # noqa: S608 - ours
        f" UNION ALL SELECT {said}, evidence_version, judged_at, 1 AS again FROM verdict_log)"
        " ORDER BY id, source, again, evidence_version, judged_at"
    )
    assert len(history) > LABELLED
    same = sum(earlier == later for earlier, later in pairwise(history))
    assert same <= kills

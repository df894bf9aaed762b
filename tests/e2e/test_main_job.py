"""Accesses with known answers, from the command line to the command line, through everything real."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from earwitness.cli.main import earwitness
from tests.conftest import Stack
from tests.policy.labelled import labelled_worlds

pytestmark = pytest.mark.stack

LABELLED = 300
SEED = 20130207
STORED_WITHIN_S = 60.0


def command(stack: Stack, *arguments: str) -> Result:
    return CliRunner().invoke(earwitness, [*arguments, "--data-dir", str(stack.data_dir)])


def written(folder: Path, name: str, objects: list[dict[str, Any]]) -> str:
    path = folder / name
    path.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    return str(path)


def found(stack: Stack, source: str) -> dict[str, dict[str, Any]]:
    answer = command(
        stack,
        *("search", f'source:"{source}"', "--since", "2000-01-01", "--limit", "1000", "--output", "jsonl"),
    )
    assert answer.exit_code == 0, answer.output
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    return {row["id"]: row for row in rows}


def stored(stack: Stack, source: str, count: int) -> dict[str, dict[str, Any]]:
    deadline = time.monotonic() + STORED_WITHIN_S
    while time.monotonic() < deadline:
        rows = found(stack, source)
        if len(rows) >= count:
            return rows
        time.sleep(0.2)
    pytest.fail(f"{len(found(stack, source))} of {count} accesses were stored in {STORED_WITHIN_S} s")


def test_labelled_accesses_come_out_right_in_search(stack: Stack, tmp_path: Path) -> None:
    """Every reason and clause, judged by an independent judge, survives Kafka, Faust and ClickHouse."""
    labelled = labelled_worlds(SEED, LABELLED)
    source = "/tests/labelled"
    events = [{**event, "source": source} for event, _ in labelled.cases]
    put = command(stack, "evidence", "put", written(tmp_path, "evidence.jsonl", labelled.evidence))
    assert put.exit_code == 0, put.output
    published = command(stack, "publish", written(tmp_path, "events.jsonl", events))
    assert published.exit_code == 0, published.output
    rows = stored(stack, source, len(events))
    for event, answer in labelled.cases:
        row = rows[event["id"].lower()]
        judged = (row["verdict"], row["reason"], row["clause"], sorted(row["evidence_used"]), row["derived"])
        expected = (
            answer.verdict,
            answer.reason,
            answer.clause,
            sorted(answer.evidence_used),
            answer.derived,
        )
        assert judged == expected, event


def test_a_file_published_twice_adds_no_row(stack: Stack, tmp_path: Path) -> None:
    """A resent spool, a repeated import: the same access stays one row, without anyone marking it."""
    source = "/tests/twice"
    events = [{**event, "source": source} for event, _ in labelled_worlds(SEED + 1, 20).cases]
    path = written(tmp_path, "events.jsonl", events)
    assert command(stack, "publish", path).exit_code == 0
    assert len(stored(stack, source, len(events))) == len(events)
    extra = {**events[0], "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8bff"}
    assert command(stack, "publish", path).exit_code == 0
    assert command(stack, "publish", written(tmp_path, "extra.jsonl", [extra])).exit_code == 0
    stored(stack, source, len(events) + 1)
    client = stack.clickhouse("admin")
    try:
        counted = client.execute(
            "SELECT count(), uniqExact(id) FROM access_log WHERE source = %(source)s", {"source": source}
        )
    finally:
        client.disconnect()
    assert counted == [(len(events) + 1, len(events) + 1)]

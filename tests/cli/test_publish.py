import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from clickhouse_driver import Client
from earwitness_sdk import InvalidEvent, NotRecorded

from earwitness.cli import lines
from earwitness.cli.lines import LARGEST_LINE_BYTES, Line, Submit, publish_lines, read_lines
from earwitness.cli.publish import publish
from earwitness.settings import ROOT
from models.errors import ConfigurationError
from tests.conftest import Stack

NOWHERE = "127.0.0.1:1"
PASSWORD = {"EARWITNESS_KAFKA__PASSWORD": "secret-of-the-test"}
GIVEN_UP_WITHIN_S = 25
STORED_WITHIN_S = 30


def an_event(**changes: Any) -> dict[str, Any]:
    event = {
        "id": str(uuid4()),
        "time": datetime.now(UTC).isoformat(),
        "source": "/services/recording-api",
        "actor_type": "employee",
        "actor_id": "e-17",
        "action": "listen",
        "resource_type": "call_recording",
        "resource_id": "rec-9",
        "customer_id": "acme",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def a_file(folder: Path, *entries: object, name: str = "events.jsonl") -> Path:
    """Write one entry a line: an object as JSON, text as it is."""
    path = folder / name
    texts = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def run(*arguments: object, stdin: bytes = b"", env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(publish, [*map(str, arguments)], input=stdin, env=env, catch_exceptions=False)


def acknowledged(_text: bytes) -> tuple[None, "Future[None]"]:
    future: Future[None] = Future()
    future.set_result(None)
    return None, future


def refused(_text: bytes) -> tuple[None, "Future[None]"]:
    future: Future[None] = Future()
    future.set_exception(NotRecorded("Kafka is gone"))
    return None, future


def in_turn(*answers: Submit) -> Submit:
    """Answer the first line by the first, and so on; all that follow by the last."""
    left = list(answers)

    def submit(text: bytes) -> tuple[Any, "Future[None]"]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer(text)

    return submit


def some_lines(count: int) -> Iterator[Line]:
    return (Line("f", number, b"{}") for number in range(1, count + 1))


@pytest.fixture
def admin(stack: Stack) -> Iterator[Client]:
    client = stack.clickhouse("admin")
    yield client
    client.disconnect()


def rows_of(client: Client, trace_id: str) -> int:
    where = {"trace": trace_id}
    return int(client.execute("SELECT count() FROM access_log WHERE trace_id = %(trace)s", where)[0][0])


def copies(client: Client) -> int:
    return int(client.execute("SELECT sum(duplicate_count) FROM range_ledger")[0][0])


@pytest.mark.stack
def test_a_bad_line_is_named_and_costs_the_others_nothing(
    stack: Stack, tmp_path: Path, admin: Client
) -> None:
    """By file, line, field and what was expected: whoever wrote the file can mend it."""
    trace = uuid4().hex
    file = a_file(
        tmp_path,
        an_event(trace_id=trace),
        "",
        an_event(trace_id=trace, action="stare", resource_id=None),
        "   ",
        an_event(trace_id=trace, colour="red"),
        "not json",
        "[1]",
        an_event(trace_id=trace, customer_id="+15550001111"),
        an_event(trace_id=trace),
    )
    result = run(file, "--data-dir", stack.data_dir)
    named = [line.removeprefix(f"{file}:").split(": ")[:2] for line in result.stderr.splitlines()]
    assert named == [
        ["3", "action"],
        ["3", "resource_id"],
        ["5", "colour"],
        ["6", "line"],
        ["7", "line"],
        ["8", "customer_id"],
    ]
    assert result.stdout == "2 of 7 acknowledged, 5 not published\n"
    assert result.exit_code == 1
    await_rows(admin, trace, 2)


def await_rows(client: Client, trace_id: str, wanted: int) -> None:
    until = time.monotonic() + STORED_WITHIN_S
    while (found := rows_of(client, trace_id)) < wanted and time.monotonic() < until:
        time.sleep(0.1)
    assert found == wanted


@pytest.mark.stack
def test_publishing_a_file_again_adds_no_row(stack: Stack, tmp_path: Path, admin: Client) -> None:
    """After a failure the whole file is published again; the trail counts accesses, not attempts."""
    trace = uuid4().hex
    before = copies(admin)
    file = a_file(tmp_path, *(an_event(trace_id=trace) for _ in range(20)))
    for _ in range(2):
        result = run(file, "--data-dir", stack.data_dir)
        assert (result.exit_code, result.stdout) == (0, "20 of 20 acknowledged\n")
    until = time.monotonic() + STORED_WITHIN_S
    while copies(admin) < before + 20 and time.monotonic() < until:
        time.sleep(0.1)
    assert copies(admin) >= before + 20
    assert rows_of(admin, trace) == 20


@pytest.mark.stack
def test_the_result_can_be_read_by_a_program(stack: Stack, tmp_path: Path) -> None:
    """A nightly job counts what was taken, and finds the lines to mend."""
    file = a_file(tmp_path, an_event(), an_event(item_count="3"))
    result = run(file, "--data-dir", stack.data_dir, "--output", "json")
    answer = json.loads(result.stdout)
    (error,) = answer.pop("errors")
    assert answer == {"read": 2, "acknowledged": 1, "refused": 1}
    assert (error["file"], error["line"], error["field"]) == (str(file), 2, "item_count")
    assert "integer" in error["message"]
    assert result.exit_code == 1


@pytest.mark.stack
def test_events_may_come_through_a_pipe(stack: Stack) -> None:
    """Files lie compressed, or another command makes the events."""
    events = [json.dumps(an_event()), "{}"]
    result = run("-", "--data-dir", stack.data_dir, stdin="\n".join(events).encode())
    assert result.stdout.startswith("1 of 2 acknowledged")
    assert "standard input:2: id: " in result.stderr


@pytest.mark.stack
def test_an_empty_file_is_no_failure(stack: Stack, tmp_path: Path) -> None:
    """An hour without accesses is an hour without accesses."""
    result = run(a_file(tmp_path, "", " "), "--data-dir", stack.data_dir)
    assert (result.exit_code, result.stdout) == (0, "0 of 0 acknowledged\n")


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_refused_before_any_is_published(tmp_path: Path, what: str) -> None:
    """Exit 2 says bad use; nobody has to find out which half of the files was published."""
    good = a_file(tmp_path, an_event())
    (tmp_path / "folder").mkdir()
    result = run(good, tmp_path / what, env={"EARWITNESS_KAFKA__BOOTSTRAP": NOWHERE})
    assert result.exit_code == 2
    assert str(tmp_path / what) in result.stderr
    assert result.stdout == ""


def test_an_unreachable_kafka_is_named_with_how_long_it_was_tried(tmp_path: Path) -> None:
    """Which address, for how long, and what to check, instead of a hang or a traceback."""
    file = a_file(tmp_path, an_event(), an_event())
    # In a process of its own: where kafka-python is refused, it leaves sockets to the garbage collector.
    done = subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", "publish", file],
        cwd=ROOT,
        env={**os.environ, **PASSWORD, "EARWITNESS_KAFKA__BOOTSTRAP": NOWHERE},
        capture_output=True,
        text=True,
        timeout=GIVEN_UP_WITHIN_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("0 of 1 acknowledged")
    (message,) = done.stderr.splitlines()
    assert message.startswith(f"{file}:1: ")
    assert re.search(r" within (9|10)\.\d s ", message)
    for part in (NOWHERE, "check that Kafka is up", "publishing all of it again adds no row"):
        assert part in message
    assert "secret-of-the-test" not in message


def test_settings_that_kafka_cannot_work_with_are_named(tmp_path: Path) -> None:
    """A missing password is found before the first line, not by a refused connection."""
    with pytest.raises(ConfigurationError, match="password"):
        run(a_file(tmp_path, an_event()), env={"EARWITNESS_KAFKA__BOOTSTRAP": NOWHERE})


def test_a_line_break_at_the_limit_does_not_count(tmp_path: Path) -> None:
    """The limit is the contract's, for what stands in the line."""
    longest = "x" * LARGEST_LINE_BYTES
    file = a_file(tmp_path, longest, f"{longest}x", "y")
    assert [(line.number, len(line.text)) for line in read_lines([str(file)])] == [
        (1, LARGEST_LINE_BYTES),
        (2, LARGEST_LINE_BYTES + 1),
        (3, 1),
    ]


@pytest.mark.parametrize("filler", ["x", " "])
def test_a_line_that_is_too_long_is_refused_and_the_next_is_read(tmp_path: Path, filler: str) -> None:
    """However long it is, and even where it only begins with blanks; it is not read into memory whole."""
    file = a_file(tmp_path, filler * (3 * LARGEST_LINE_BYTES) + "{}", "{}")
    published = publish_lines(read_lines([str(file)]), acknowledged)
    (fault,) = published.faults
    assert (fault.line, fault.message) == (1, "is longer than 1000000 bytes")
    assert (published.read, published.acknowledged) == (2, 1)


def test_a_last_line_needs_no_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a Windows one disturb."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\r\n\r\n{}")))
    assert [(line.file, line.number) for line in read_lines(["-"])] == [
        ("standard input", 1),
        ("standard input", 3),
    ]


def test_a_line_cannot_write_to_the_terminal() -> None:
    """Field names are the producer's; they must not move the reader's cursor, nor fill the screen."""

    def submit(_text: bytes) -> tuple[None, "Future[None]"]:
        raise InvalidEvent([("\x1b[2J" + "x" * 1000, "there is no such field")] * 1000)

    faults = publish_lines(some_lines(1), submit).faults
    assert len(faults) == lines.MOST_FAULTS_OF_A_LINE
    assert faults[0].field.startswith("\\x1b[2Jxxx")
    assert len(faults[0].field) < 320


def test_the_faults_that_are_kept_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of ten million bad lines must not fill the memory; every line is still counted."""

    def submit(_text: bytes) -> tuple[None, "Future[None]"]:
        raise InvalidEvent([("id", "is required"), ("time", "is required")])

    monkeypatch.setattr(lines, "MOST_FAULTS", 5)
    published = publish_lines(some_lines(100), submit)
    assert len(published.faults) == 5
    assert (published.read, published.acknowledged) == (100, 0)


def test_reading_stops_where_a_line_is_not_acknowledged() -> None:
    """A million lines that all time out would take a day; the place to go on from is named."""
    published = publish_lines(some_lines(100_000), in_turn(acknowledged, refused))
    (fault,) = published.faults
    assert (fault.line, fault.field) == (2, "")
    assert fault.message.startswith("Kafka is gone")
    assert published.read < 100_000


def test_what_is_acknowledged_after_the_first_failure_is_counted() -> None:
    """The number that is told is the number that is there."""
    published = publish_lines(some_lines(3), in_turn(refused, acknowledged, acknowledged))
    assert (published.read, published.acknowledged) == (3, 2)


def test_an_acknowledgement_that_never_comes_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK gives up earlier; should it not, the command does."""
    monkeypatch.setattr(lines, "ANSWERED_WITHIN_S", 0.05)
    published = publish_lines(some_lines(2), lambda _: (None, Future()))
    assert published.acknowledged == 0
    assert "was not acknowledged within" in published.faults[0].message


def test_no_more_than_the_limit_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than the memory can be published."""
    monkeypatch.setattr(lines, "MOST_UNDER_WAY", 3)
    under_way: list[Future[None]] = []

    def submit(_text: bytes) -> tuple[None, "Future[None]"]:
        assert sum(not future.done() for future in under_way) < 3
        future: Future[None] = Future()
        under_way.append(future)
        if len(under_way) >= 3:
            under_way[len(under_way) - 3].set_result(None)
        return None, future

    def finished() -> Iterator[Line]:
        yield from some_lines(10)
        for future in under_way:
            if not future.done():
                future.set_result(None)

    assert publish_lines(finished(), submit).acknowledged == 10

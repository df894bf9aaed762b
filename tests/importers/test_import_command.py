import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from clickhouse_driver import Client
from earwitness_sdk import Pseudonyms

from earwitness.cli.import_ import import_
from models.errors import ConfigurationError
from tests.conftest import Stack
from tests.importers.s3_logs import MAPPING_TEXT, VENDOR, a_record

STORED_WITHIN_S = 30


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING_TEXT, encoding="utf-8")
    return path


def a_log(folder: Path, *lines: str, name: str = "access.log") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def run(*arguments: object, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(
        import_, ["s3-access-log", *map(str, arguments)], input=stdin, catch_exceptions=False
    )


def told(result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_lines_that_give_no_event_are_counted_and_named(tmp_path: Path, mapping: Path) -> None:
    """By file, line, reason and what to look at, so that the mapping can be mended."""
    log = a_log(tmp_path, a_record(), "garbage", a_record(bucket="b"), a_record(operation="REST.GET.ACL"))
    result = run(log, "--mapping", mapping, "--dry-run", "--output", "json")
    assert result.stderr.splitlines() == [
        f"{log}:2: not_a_record: is not a record of an S3 server access log",
        f"{log}:3: unmapped_bucket: b",
        f"{log}:4: no_content: REST.GET.ACL",
    ]
    answer = told(result)
    assert answer["reasons"] == {"no_content": 1, "not_a_record": 1, "unmapped_bucket": 1}
    assert (answer["lines"], answer["events"], answer["left_out"]) == (4, 1, 2)
    assert [(unused["line"], unused["reason"]) for unused in answer["unused"]] == [
        (2, "not_a_record"),
        (3, "unmapped_bucket"),
        (4, "no_content"),
    ]


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        (a_record(), 0),
        (a_record(operation="REST.GET.VERSIONING", key="-"), 0),
        (a_record(operation="REST.GET.NOTIFICATION", key="-"), 0),
        ("garbage", 1),
        (a_record(requester="arn:aws:iam::1:user/nobody"), 1),
        (a_record(key="c-1/%252B15005550006.wav"), 1),
        ("", 0),
    ],
)
def test_the_exit_code_says_whether_an_access_was_left_out(
    tmp_path: Path, mapping: Path, line: str, exit_code: int
) -> None:
    """A nightly job must not stay green while a new bucket is missing from its mapping."""
    assert run(a_log(tmp_path, line), "--mapping", mapping, "--dry-run").exit_code == exit_code


def test_a_line_cannot_write_to_the_terminal(tmp_path: Path, mapping: Path) -> None:
    """Whoever makes requests writes the log; it must not move the operator's cursor."""
    result = run(a_log(tmp_path, a_record(bucket="b\x1b[2J")), "--mapping", mapping, "--dry-run")
    assert "\x1b" not in result.stderr
    assert "b\\x1b[2J" in result.stderr


def test_the_events_can_be_shown_instead(tmp_path: Path, mapping: Path) -> None:
    """To try a mapping, or to ask `judge` about them, before anything is published."""
    log = a_log(tmp_path, a_record(), a_record(request_id="2", requester=VENDOR))
    result = run(log, "--mapping", mapping, "--dry-run", "--output", "jsonl")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["actor_id"] for event in events] == ["e-17", "u-9"]
    assert "2 events in 2 lines would be published" in result.stderr


def test_a_log_may_come_through_a_pipe(mapping: Path) -> None:
    """Logs lie compressed, or in a bucket."""
    result = run("-", "--mapping", mapping, "--dry-run", "--output", "json", stdin=a_record().encode())
    assert told(result)["events"] == 1


def test_a_telephone_number_is_replaced_by_the_sdks_pseudonym(tmp_path: Path, mapping: Path) -> None:
    """With the same key a ticket that names the number names the same customer."""
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef\n")
    log = a_log(tmp_path, a_record(key="%252B15005550006/r-1.wav"))
    result = run(log, "--mapping", mapping, "--dry-run", "--output", "jsonl", "--pseudonym-key-file", key)
    pseudonym = Pseudonyms(key.read_bytes().strip()).of("+15005550006")
    assert json.loads(result.stdout)["customer_id"] == pseudonym


def test_bad_use_is_refused_before_anything_is_read(tmp_path: Path, mapping: Path) -> None:
    """A missing file, a faulty mapping, a key that could be guessed."""
    log = a_log(tmp_path, a_record())
    assert run(tmp_path / "missing", "--mapping", mapping).exit_code == 2
    assert run(log, "--mapping", tmp_path / "missing").exit_code == 2
    faulty = tmp_path / "faulty.toml"
    faulty.write_text("source = 7", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="resources: Field required"):
        run(log, "--mapping", faulty)
    key = tmp_path / "key"
    key.write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="at least 16"):
        run(log, "--mapping", mapping, "--pseudonym-key-file", key)


@pytest.mark.stack
def test_importing_a_log_again_adds_no_row(stack: Stack, tmp_path: Path, mapping: Path) -> None:
    """Storage delivers records twice and hours late; the trail counts accesses, not deliveries."""
    stamp = f"{time.time_ns()}"
    lines = [a_record(request_id=f"{stamp}-{number}") for number in range(20)]
    first = a_log(tmp_path, *lines[:15])
    second = a_log(tmp_path, *lines[5:], *lines[:3], name="late.log")
    places = ("--mapping", mapping, "--data-dir", stack.data_dir, "--output", "json")
    client = stack.clickhouse("admin")
    try:
        copies_before = copies_seen(client)
        assert told(run(first, *places))["acknowledged"] == 15
        assert told(run(first, second, *places))["acknowledged"] == 33
        give_up_at = time.monotonic() + STORED_WITHIN_S
        while copies_seen(client) - copies_before < 28:
            assert time.monotonic() < give_up_at, "the worker has not seen every copy"
            time.sleep(0.2)
        stored = client.execute(
            "SELECT count(), uniqExact(id) FROM access_log WHERE trace_id LIKE %(prefix)s",
            {"prefix": f"{stamp}-%"},
        )
        assert stored == [(20, 20)]
    finally:
        client.disconnect()


def copies_seen(client: Client) -> int:
    """How many records the workers found to be copies; a row of the ledger follows each stored range."""
    count: int = client.execute("SELECT sum(duplicate_count) FROM range_ledger")[0][0]
    return count

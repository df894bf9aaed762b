import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from clickhouse_driver import Client

from earwitness.cli import wiring
from earwitness.cli.client import ApiClient
from earwitness.cli.evidence import RECORDED_AT_ONCE, evidence
from models.errors import PipelineError, QueryRejected, SinkUnavailable
from models.publisher import Message
from models.topics import EVIDENCE_RECORDS
from streams.publisher import KafkaPublisher
from tests.conftest import Stack

NOWHERE = "127.0.0.1:1"
KNOWN_WITHIN_S = 30
HOSTILE = "\x1b[2Je-17"


def a_record(ref: str, **changes: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "kind": "complaint",
        "customer_ids": ["acme"],
        "valid_from": "2026-01-31T09:00:00Z",
        **changes,
    }


def a_ref() -> str:
    """A ref that no other test uses."""
    return f"ticket:{uuid4().hex}"


def json_lines(*entries: object) -> bytes:
    return "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries).encode()


def run(*arguments: object, stdin: bytes = b"", env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(evidence, [*map(str, arguments)], input=stdin, env=env, catch_exceptions=False)


def put(stack: Stack, *entries: object) -> Result:
    return run("put", "-", "--data-dir", stack.data_dir, stdin=json_lines(*entries))


def known(stack: Stack, ref: str, versions: int = 1) -> dict[str, Any]:
    """Wait until so many versions of a record are known; give what the API tells of it."""
    until = time.monotonic() + KNOWN_WITHIN_S
    while time.monotonic() < until:
        result = run("get", ref, "--data-dir", stack.data_dir, "--output", "json")
        if result.exit_code == 0:
            found: dict[str, Any] = json.loads(result.stdout)
            if len(found["versions"]) == versions:
                return found
        time.sleep(0.1)
    raise AssertionError(f"{ref} has no {versions} versions after {KNOWN_WITHIN_S} s")


@pytest.fixture
def admin(stack: Stack) -> Iterator[Client]:
    client = stack.clickhouse("admin")
    yield client
    client.disconnect()


@pytest.mark.stack
def test_a_record_that_is_put_can_be_got(stack: Stack) -> None:
    """Whoever enters a ticket sees it as the judge does."""
    ref = a_ref()
    assert put(stack, a_record(ref)).stdout == "1 of 1 acknowledged\n"
    record = known(stack, ref)["current"]["record"]
    assert record.items() >= {"ref": ref, "kind": "complaint", "customer_ids": ["acme"]}.items()


@pytest.mark.stack
def test_the_newest_record_of_a_ref_replaces_the_older_ones(stack: Stack) -> None:
    """And the older ones stay, so that a verdict of last year can still be understood."""
    ref = a_ref()
    put(stack, a_record(ref), a_record(ref, status="withdrawn", withdrawn_at="2026-02-01T00:00:00Z"))
    found = known(stack, ref, versions=2)
    assert found["current"]["record"]["status"] == "withdrawn"
    newest, oldest = (version["version"] for version in found["versions"])
    assert newest > oldest


@pytest.mark.stack
def test_a_bad_record_is_named_and_costs_the_others_nothing(stack: Stack) -> None:
    """By line, field and what was expected."""
    good = a_ref()
    result = put(
        stack,
        a_record(a_ref(), kind="rumour"),
        "",
        a_record(a_ref(), aliases=["ann@example.test"], kind="employment"),
        a_record(a_ref(), assignees=["+15550001111"]),
        a_record(good),
        a_record(a_ref(), customers=["acme"]),
    )
    assert [line.split(": ")[0:2] for line in result.stderr.splitlines()] == [
        ["standard input:1", "kind"],
        ["standard input:3", "aliases"],
        ["standard input:4", "assignees.0"],
        ["standard input:6", "customers"],
    ]
    assert (result.exit_code, result.stdout) == (1, "1 of 5 acknowledged, 4 not published\n")
    known(stack, good)


@pytest.mark.stack
def test_that_evidence_was_put_is_on_record(stack: Stack, admin: Client, tmp_path: Path) -> None:
    """Forged evidence is a forged verdict: who entered what, about whom, and when, must be found."""
    file = tmp_path / f"{uuid4().hex}.jsonl"
    first, second = a_ref(), a_ref()
    file.write_bytes(json_lines(a_record(first), a_record(a_ref(), kind="rumour"), a_record(second)))
    assert run("put", file, "--data-dir", stack.data_dir).exit_code == 1
    rows = admin.execute(
        "SELECT surface, action, principal != '', customer_ids, row_count FROM activity_log"
        " WHERE query = %(query)s",
        {"query": f"{file}: {first} {second}"},
    )
    assert rows == [("cli", "evidence.put", 1, ["acme"], 2)]


@pytest.mark.stack
def test_many_records_are_on_record_in_portions(stack: Stack, admin: Client, tmp_path: Path) -> None:
    """Each of them by its ref, before the portion is published."""
    file = tmp_path / f"{uuid4().hex}.jsonl"
    file.write_bytes(json_lines(*(a_record(a_ref()) for _ in range(RECORDED_AT_ONCE + 1))))
    assert run("put", file, "--data-dir", stack.data_dir).exit_code == 0
    rows = admin.execute(
        "SELECT row_count FROM activity_log WHERE startsWith(query, %(file)s) ORDER BY time",
        {"file": str(file)},
    )
    assert rows == [(RECORDED_AT_ONCE,), (1,)]


@pytest.mark.stack
def test_an_election_without_a_customer_is_refused_and_the_older_one_stays(stack: Stack) -> None:
    """From the command by name; from the topic as a dead letter, whoever put it there."""
    ref = f"election:{uuid4().hex}"
    put(stack, a_record(ref, kind="election"))
    known(stack, ref)
    nobodys = a_record(ref, kind="election", customer_ids=[])
    result = put(stack, nobodys)
    assert (result.exit_code, result.stderr.split(": ")[:2]) == (1, ["standard input:1", "customer_ids"])
    publisher = KafkaPublisher(wiring.kafka(stack.settings("register").kafka))
    publisher.publish([Message(EVIDENCE_RECORDS, ref.encode(), json.dumps(nobodys).encode(), {})])
    publisher.close()
    later = a_ref()
    put(stack, a_record(later))
    known(stack, later)
    assert known(stack, ref)["current"]["record"]["customer_ids"] == ["acme"]
    with ApiClient(stack.settings("api").api) as api:
        letters = api.get("dead-letters", reason="invalid_field", limit=1_000)["dead_letters"]
    refused = [letter for letter in letters if letter["position"].startswith(f"{EVIDENCE_RECORDS}/")]
    assert ["customer_ids"] in [letter["fields"] for letter in refused]


@pytest.mark.stack
def test_nothing_is_put_where_it_cannot_be_put_on_record(stack: Stack) -> None:
    """Otherwise a broken ClickHouse would be the time to enter evidence."""
    kafka = stack.settings("register").kafka
    ref = a_ref()
    elsewhere = {
        "EARWITNESS_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "EARWITNESS_KAFKA__USERNAME": kafka.username,
        "EARWITNESS_KAFKA__PASSWORD": kafka.password.get_secret_value(),
        "EARWITNESS_CLICKHOUSE__HOST": NOWHERE.split(":", maxsplit=1)[0],
        "EARWITNESS_CLICKHOUSE__PORT": NOWHERE.split(":")[1],
    }
    with pytest.raises(SinkUnavailable, match=NOWHERE):
        run("put", "-", stdin=json_lines(a_record(ref)), env=elsewhere)
    later = a_ref()
    put(stack, a_record(later))
    known(stack, later)
    # One partition: what was put before `later` is known once `later` is.
    assert run("get", ref, "--data-dir", stack.data_dir).exit_code == 1


def test_a_missing_file_is_bad_use(tmp_path: Path) -> None:
    """Exit 2, before anything is put or recorded."""
    result = run("put", tmp_path / "missing")
    assert result.exit_code == 2
    assert str(tmp_path / "missing") in result.stderr


@pytest.mark.stack
def test_an_unknown_ref_is_told_as_such(stack: Stack) -> None:
    """Exit 1 and a sentence, nothing on stdout."""
    result = run("get", "ticket:nobody-entered-this", "--data-dir", stack.data_dir)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "no register has told of ticket:nobody-entered-this\n"


@pytest.mark.stack
def test_one_record_in_every_format(stack: Stack) -> None:
    """A table for people; JSON, JSON lines and CSV for programs."""
    ref = a_ref()
    put(stack, a_record(ref, assignees=[HOSTILE, "e-18"]))
    known(stack, ref)

    def shown(output: str) -> str:
        return run("get", ref, "--data-dir", stack.data_dir, "--output", output).stdout

    assert json.loads(shown("json"))["ref"] == ref
    assert json.loads(shown("jsonl"))["assignees"] == [HOSTILE, "e-18"]
    (row,) = csv.DictReader(shown("csv").splitlines())
    assert (row["ref"], json.loads(row["assignees"])) == (ref, [HOSTILE, "e-18"])
    assert "\\x1b[2Je-17, e-18" in shown("table")
    assert "\x1b" not in shown("table")


@pytest.mark.stack
def test_records_are_listed_by_kind_and_customer(stack: Stack) -> None:
    """What could justify an access to this customer's calls?"""
    customer = uuid4().hex
    ticket, order, other = sorted(a_ref() for _ in range(3))
    put(
        stack,
        a_record(ticket, customer_ids=[customer]),
        a_record(order, customer_ids=[customer], kind="work_order"),
        a_record(other),
    )
    known(stack, other)

    def listed(*options: str) -> list[str]:
        result = run("list", "--data-dir", stack.data_dir, "--output", "jsonl", *options)
        return [json.loads(line)["ref"] for line in result.stdout.splitlines()]

    assert listed("--customer", customer) == [ticket, order]
    assert listed("--customer", customer, "--kind", "work_order") == [order]
    assert listed("--customer", customer, "--limit", "1") == [ticket]
    assert listed("--customer", f"nobody-{customer}") == []


@pytest.mark.stack
def test_a_list_for_people_says_how_many(stack: Stack) -> None:
    """On stderr, so that the table alone can be kept."""
    customer = uuid4().hex
    ref = a_ref()
    put(stack, a_record(ref, customer_ids=[customer]))
    known(stack, ref)
    wide = {"COLUMNS": "300"}
    result = run("list", "--data-dir", stack.data_dir, "--customer", customer, env=wide)
    assert ref in result.stdout
    assert result.stderr == "1 record\n"
    result = run("list", "--data-dir", stack.data_dir, "--customer", customer, "--limit", 1, env=wide)
    assert result.stderr == "1 record, as many as --limit asks for; there may be more\n"


@pytest.mark.stack
def test_an_unknown_kind_is_refused(stack: Stack) -> None:
    """A typo must not look like an empty register."""
    with pytest.raises(QueryRejected, match="kind"):
        run("list", "--data-dir", stack.data_dir, "--kind", "rumour")


def test_without_a_stack_it_is_said_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer's first command."""
    monkeypatch.chdir(tmp_path)
    for name in ("EARWITNESS_KAFKA__BOOTSTRAP", "EARWITNESS_CLICKHOUSE__HOST", "EARWITNESS_API__URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PipelineError, match="earwitness up"):
        run("put", "-", stdin=b"{}")

"""`earwitness policy replay`, from its bad input to what it says of a real stack's history."""

import csv
import io
import json
import multiprocessing
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from earwitness.cli.main import earwitness
from earwitness.cli.replay_output import CHANGE_COLUMNS
from earwitness.policy import EvidenceIndex, judge, parse_policies
from earwitness.query import history as slices_of
from earwitness.query.rows import EVENT_FIELDS
from earwitness.settings import ROOT
from models.access import AccessEvent
from models.errors import QueryRejected, StackUnavailable
from models.evidence import EvidenceRecord
from tests.conftest import Stack
from tests.policy.labelled import labelled_worlds

(SHIPPED,) = (ROOT / "policies").glob("*/*/policy.toml")
SINCE, UNTIL = "2025-03-01", "2025-04-01"
MONTH: Final = ("--since", SINCE, "--until", UNTIL)
RULING_COLUMNS: Final = CHANGE_COLUMNS[6:]
SOURCE: Final = "/tests/replayed"
PUBLISHED: Final = 300
STORED_WITHIN_S: Final = 60.0
NOT_YET, IN_EFFECT = "2030-01-01T00:00:00Z", "2013-02-07T00:00:00Z"
FOR_BOTH, FOR_AFFILIATES = 'actors = ["employee", "affiliate"]', 'actors = ["affiliate"]'


def command(*arguments: str) -> Result:
    return CliRunner().invoke(earwitness, ["policy", "replay", *arguments])


def a_draft(folder: Path, effective_from: str = NOT_YET) -> Path:
    """Write the shipped policy, with affiliates alone in each clause for employees and affiliates."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert FOR_BOTH in text
    text = text.replace(FOR_BOTH, FOR_AFFILIATES)
    text = text.replace(IN_EFFECT, effective_from)
    folder.mkdir(exist_ok=True)
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_unknown_version_is_answered_with_the_known_ones() -> None:
    """A typo is mended from the message alone."""
    ran = command("--policy", "2013-02-08", "--since", "7d")
    assert isinstance(ran.exception, QueryRejected)
    assert "'2013-02-08' is neither a policy file" in str(ran.exception)
    assert "the versions are 2013-02-07" in str(ran.exception)


def test_every_fault_of_a_broken_policy_is_named(tmp_path: Path) -> None:
    """Its author mends them in one go; nothing is asked of the stack."""
    draft = a_draft(tmp_path / "draft") / "policy.toml"
    text = draft.read_text(encoding="utf-8")
    text = text.replace('evidence = "complaint"', 'evidence = "hearsay"').replace(
        "grace_hours = 24", "grace_hours = -1"
    )
    draft.write_text(text, encoding="utf-8")
    ran = command("--policy", str(draft), "--since", "7d")
    assert ran.exit_code == 2
    assert f"{draft}: grace_hours" in ran.stderr
    assert "(access.resolve-complaint).evidence" in ran.stderr


@pytest.mark.parametrize(
    "times",
    [
        ("--since", "2026-02-01", "--until", "2026-02-01"),
        ("--since", "2026-02-02", "--until", "2026-02-01"),
        ("--since", "2290-01-01"),
    ],
)
def test_a_time_without_an_instant_is_refused(times: tuple[str, ...]) -> None:
    """No access at all would read as: nothing would change."""
    ran = command("--policy", "2013-02-07", *times)
    assert isinstance(ran.exception, QueryRejected)
    assert "no time to replay" in str(ran.exception)


def test_without_a_stack_there_is_no_history(tmp_path: Path) -> None:
    """The person is told how to start one."""
    ran = command("--policy", "2013-02-07", "--since", "7d", "--data-dir", str(tmp_path / "none"))
    assert isinstance(ran.exception, StackUnavailable)
    assert "earwitness up" in str(ran.exception)


class History:
    """What was published, and what the trail made of it."""

    def __init__(self, stack: Stack) -> None:
        self.data_dir = ("--data-dir", str(stack.data_dir))
        self._client = stack.clickhouse("admin")

    def replay(self, policy: Path | str, *arguments: str) -> Result:
        """Replay the month in which the accesses happened."""
        ran = command("--policy", str(policy), *MONTH, *arguments, *self.data_dir)
        assert ran.exit_code == 0, ran.output
        return ran

    def ask(self, query: str, **values: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._client.execute(
            query, {"source": SOURCE, "since": SINCE, "until": UNTIL, **values}
        )
        return rows

    def index(self) -> EvidenceIndex:
        """Read what the registers say now."""
        index = EvidenceIndex()
        for record, version in self.ask("SELECT record, version FROM evidence ORDER BY version"):
            index.put(EvidenceRecord.model_validate_json(record), version)
        return index

    def expected(self, draft: Path) -> dict[str, tuple[str, ...]]:
        """Judge each access of the month by a draft: its id and source → before and after, "" for none."""
        text = (draft / "policy.toml").read_text(encoding="utf-8")
        policies = parse_policies({"draft": text.replace(NOT_YET, IN_EFFECT).encode()})
        index, now = self.index(), datetime.now(UTC)
        found: dict[str, tuple[str, ...]] = {}
        for values in self.ask("SELECT * FROM trail WHERE time >= %(since)s AND time < %(until)s"):
            row = dict(zip(self._columns, values, strict=True))
            event = AccessEvent.model_validate({name: row[name] or None for name in EVENT_FIELDS})
            after = judge(event, policies, index, received_at=row["received_at"], as_of=now)
            found[f"{event.id} {event.source}"] = (
                *(row["verdict"], row["reason"], row["clause"]),
                *(after.outcome, after.reason, after.clause or ""),
            )
        return found

    @cached_property
    def _columns(self) -> list[str]:
        return [row[0] for row in self.ask("DESCRIBE TABLE trail")]

    def fingerprint(self) -> list[tuple[Any, ...]]:
        """Say what the trail holds of these accesses, so that any change shows."""
        return [
            *self.ask("SELECT count(), sum(cityHash64(*)) FROM access_log WHERE source = %(source)s"),
            *self.ask("SELECT count(), sum(cityHash64(*)) FROM verdict_log WHERE source = %(source)s"),
        ]

    def close(self) -> None:
        self._client.disconnect()


@pytest.fixture(scope="module")
def history(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Publish some hundred accesses with their evidence, and wait until they are stored."""
    folder = tmp_path_factory.mktemp("history")
    labelled = labelled_worlds(1010, PUBLISHED)
    made = History(stack)
    for name, what, objects in (
        ("evidence.jsonl", ("evidence", "put"), labelled.evidence),
        ("events.jsonl", ("publish",), [{**event, "source": SOURCE} for event, _ in labelled.cases]),
    ):
        path = folder / name
        path.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
        ran = CliRunner().invoke(earwitness, [*what, str(path), *made.data_dir])
        assert ran.exit_code == 0, ran.output
    deadline = time.monotonic() + STORED_WITHIN_S
    while made.ask("SELECT count() FROM access_log WHERE source = %(source)s") != [(PUBLISHED,)]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield made
    made.close()


def rulings(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[column] or "" for column in RULING_COLUMNS)


@pytest.mark.stack
def test_a_replay_counts_what_a_judge_beside_it_does(history: History, tmp_path: Path) -> None:
    """Before, after, and each way between them, of every access of the month."""
    draft = a_draft(tmp_path / "draft")
    answer = json.loads(history.replay(draft, "--output", "json").stdout)
    expected = history.expected(draft)
    assert answer["accesses"] == len(expected)
    assert answer["changed"] == sum(way[0] != way[3] for way in expected.values()) > 0
    assert +Counter(answer["before"]) == Counter(way[0] for way in expected.values())
    assert +Counter(answer["after"]) == Counter(way[3] for way in expected.values())
    counted = {rulings(way): way["accesses"] for way in answer["verdict_changes"] + answer["other_changes"]}
    assert counted == Counter(way for way in expected.values() if way[:3] != way[3:])


@pytest.mark.stack
@pytest.mark.parametrize("output", ["jsonl", "csv"])
def test_a_replay_lists_each_access_that_a_judge_beside_it_sees_change(
    history: History, tmp_path: Path, output: str
) -> None:
    """All of them, each once, whatever --limit says; the summary goes elsewhere."""
    draft = a_draft(tmp_path / "draft")
    ran = history.replay(draft, "--output", output, "--limit", "1", "--processes", "3")
    if output == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(ran.stdout)))
    else:
        rows = [json.loads(line) for line in ran.stdout.splitlines()]
    listed = {f"{row['id']} {row['source']}": rulings(row) for row in rows}
    assert listed == {key: way for key, way in history.expected(draft).items() if way[0] != way[3]}
    assert len(rows) == len(listed)
    assert "would get another verdict" in ran.stderr
    assert "effective_from 2030-01-01 ignored" in ran.stderr


@pytest.mark.stack
def test_a_replay_by_the_version_in_effect_accuses_and_excuses_nobody(history: History) -> None:
    """The trail was judged by the very same judge; only a grace may have ended since."""
    answer = json.loads(history.replay("2013-02-07", "--output", "json").stdout)
    ways = {(way["before_verdict"], way["after_reason"]) for way in answer["verdict_changes"]}
    assert ways <= {("pending", "evidence_not_found")}
    assert answer["accesses"] >= PUBLISHED / 2


@pytest.mark.stack
def test_the_newest_verdict_is_what_is_compared(history: History, tmp_path: Path) -> None:
    """Evidence came late and excused the access: a replay must not say that the draft does."""
    ((day, identifier),) = history.ask(
        "SELECT received_day, toString(id) FROM access_log WHERE source = %(source)s"
        " AND verdict = 'unjustified' AND time >= %(since)s AND time < %(until)s ORDER BY id LIMIT 1"
    )
    history.ask(
        "INSERT INTO verdict_log (received_day, id, source, verdict, reason, clause, evidence_version,"
        " judged_at) SELECT %(day)s, %(id)s, %(source)s, 'indeterminate', 'judge_error', '', 9000000, now()",
        day=str(day),
        id=identifier,
    )
    try:
        ran = history.replay(a_draft(tmp_path / "draft"), "--output", "json", "--limit", "999")
    finally:
        history.ask(
            "ALTER TABLE verdict_log DELETE WHERE evidence_version = 9000000 SETTINGS mutations_sync = 1"
        )
    (change,) = [change for change in json.loads(ran.stdout)["changes"] if change["id"] == identifier]
    assert (change["before_verdict"], change["before_reason"]) == ("indeterminate", "judge_error")


@pytest.mark.stack
def test_a_day_in_many_slices_is_counted_once(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one slice ends the next begins, in ClickHouse's order of things as in ours."""
    draft = a_draft(tmp_path / "draft")
    whole = json.loads(history.replay(draft, "--output", "json", "--limit", "999").stdout)
    monkeypatch.setattr(slices_of, "ROWS_OF_A_SLICE", 3)
    sliced = json.loads(history.replay(draft, "--output", "json", "--limit", "999").stdout)
    assert {**sliced, "as_of": whole["as_of"]} == whole


@pytest.mark.stack
def test_the_trail_is_what_it_was(history: History, tmp_path: Path) -> None:
    """A question about a draft must not leave a mark on what people are accused of."""
    before = history.fingerprint()
    history.replay(a_draft(tmp_path / "draft"))
    assert history.fingerprint() == before


@pytest.mark.stack
def test_that_it_was_done_is_recorded(history: History, tmp_path: Path) -> None:
    """Who tries out which policy on whose accesses is itself of interest."""
    draft = a_draft(tmp_path / "draft", "2031-01-01T00:00:00Z")
    answer = json.loads(history.replay(draft, "--output", "json").stdout)
    ((surface, query),) = history.ask(
        "SELECT surface, query FROM activity WHERE action = 'policy.replay'"
        " AND position(query, %(digest)s) > 0",
        digest=answer["policy_digest"],
    )
    assert surface == "cli"
    assert "--since 2025-03-01T00:00:00.000000Z --until 2025-04-01T00:00:00.000000Z" in query


@pytest.mark.stack
def test_what_it_was_judged_by_is_named(history: History, tmp_path: Path) -> None:
    """The same policy, evidence and instant give the same verdicts again."""
    draft = a_draft(tmp_path / "draft")
    answer = json.loads(history.replay(draft, "--output", "json").stdout)
    assert (
        answer["policy_digest"]
        == parse_policies({"d": (draft / "policy.toml").read_bytes()}).policies[0].digest
    )
    assert answer["effective_from_ignored"] == "2030-01-01T00:00:00.000000Z"
    assert answer["evidence_version"] == history.index().version
    assert answer["as_of"] <= datetime.now(UTC).isoformat()


@pytest.mark.stack
def test_the_answer_comes_first(history: History, tmp_path: Path) -> None:
    """Whoever decides about the draft sees at once how many it would accuse."""
    ran = history.replay(a_draft(tmp_path / "draft"), "--limit", "2")
    first, second, third, *_ = ran.stdout.splitlines()
    assert "would get another verdict" in first
    assert "no longer justified" in second
    assert "effective_from 2030-01-01 ignored" in third
    assert "unjustified actor_not_permitted" in ran.stdout
    assert "the newest 2 of the" in ran.stdout
    assert multiprocessing.active_children() == []


@pytest.mark.stack
def test_without_a_list_the_counts_are_the_same(history: History, tmp_path: Path) -> None:
    """Nothing is listed, everything is counted."""
    draft = a_draft(tmp_path / "draft")
    some, none = (history.replay(draft, "--limit", limit, "--output", "json").stdout for limit in ("3", "0"))
    assert len(json.loads(some)["changes"]) == 3
    assert json.loads(none)["changes"] == []
    assert json.loads(none)["verdict_changes"] == json.loads(some)["verdict_changes"]


@pytest.mark.stack
def test_a_time_without_accesses_has_an_answer(history: History) -> None:
    """Nothing happened is not an error."""
    day = ("--since", "1950-01-01", "--until", "1950-01-02")
    ran = command("--policy", "2013-02-07", *day, *history.data_dir)
    assert ran.exit_code == 0
    assert ran.stdout.startswith("no access in that time")


@pytest.mark.stack
def test_a_version_is_found_by_its_name_in_a_folder_of_drafts(history: History, tmp_path: Path) -> None:
    """Drafts lie beside each other, as the versions in effect do."""
    drafts = tmp_path / "drafts"
    (drafts / "privacy-policy").mkdir(parents=True)
    shutil.move(a_draft(tmp_path / "draft"), drafts / "privacy-policy" / "draft")
    ran = history.replay("2013-02-07", "--policies", str(drafts), "--output", "json")
    assert json.loads(ran.stdout)["changed"] > 0

"""The commands `judge` and `policy`, on files alone."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from earwitness.cli.judge import judge
from earwitness.cli.main import earwitness
from earwitness.cli.policy import policy
from earwitness.settings import ROOT
from models.errors import PolicyInvalid, QueryRejected, StackUnavailable
from tests.streams.records import event_id

POLICIES: Final = ROOT / "policies"
EVENT: Final = {
    "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
    "time": "2026-03-02T10:00:00Z",
    "source": "/services/recording-api",
    "actor_type": "employee",
    "actor_id": "e-1",
    "action": "listen",
    "resource_type": "call_recording",
    "resource_id": "rec-1",
    "customer_id": "acme",
    "purpose": "resolve_complaint",
    "evidence_ref": "ticket:T-1",
}
COMPLAINT: Final = {
    "ref": "ticket:T-1",
    "kind": "complaint",
    "customer_ids": ["acme"],
    "valid_from": "2026-01-01T00:00:00Z",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack is near."""
    monkeypatch.chdir(tmp_path)


def write_lines(path: Path, *lines: dict[str, Any] | str) -> str:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return str(path)


def run(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(earwitness, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows_of(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


class TestJudge:
    """A dry run: what the judge would say now."""

    def test_each_event_gets_a_line_with_its_verdict_and_what_is_missing(self, tmp_path: Path) -> None:
        """In the words of the explanation, as JSON lines."""
        events = write_lines(tmp_path / "e.jsonl", EVENT, {**EVENT, "customer_id": "globex"})
        registers = write_lines(tmp_path / "r.jsonl", COMPLAINT)
        result = run("judge", events, "--evidence", registers)
        assert result.exit_code == 0
        assert rows_of(result) == [
            {
                "id": EVENT["id"],
                "verdict": "justified",
                "reason": "clause_met",
                "clause": "access.resolve-complaint",
                "evidence_used": ["ticket:T-1"],
                "derived": False,
                "policy_version": "2013-02-07",
                "missing": [],
            },
            {
                "id": EVENT["id"],
                "verdict": "unjustified",
                "reason": "evidence_wrong_customer",
                "clause": None,
                "evidence_used": [],
                "derived": False,
                "policy_version": "2013-02-07",
                "missing": ["ticket:T-1 would have to cover customer globex, by name. It covers acme."],
            },
        ]

    def test_an_event_is_judged_as_if_received_now(self, tmp_path: Path) -> None:
        """Old events with unknown evidence are still waited for."""
        registers = write_lines(tmp_path / "r.jsonl", "")
        result = run("judge", "-", "--evidence", registers, stdin=json.dumps(EVENT))
        assert [row["verdict"] for row in rows_of(result)] == ["pending"]

    def test_later_lines_of_a_register_replace_earlier_ones_of_their_ref(self, tmp_path: Path) -> None:
        """A file has versions too: the order of its lines."""
        events = write_lines(tmp_path / "e.jsonl", EVENT)
        registers = write_lines(tmp_path / "r.jsonl", COMPLAINT, {**COMPLAINT, "status": "withdrawn"})
        result = run("judge", events, "--evidence", registers)
        assert [row["reason"] for row in rows_of(result)] == ["evidence_withdrawn"]

    def test_an_election_without_a_customer_counts_here_and_is_warned_of(self, tmp_path: Path) -> None:
        """A dry run judges what it is given, and says that no register would take it."""
        elected = {**EVENT, "actor_type": "application", "organization": "crm", "actor_id": "crm-1"}
        elected |= {"purpose": "elected_application", "evidence_ref": "election:E-1"}
        election = {"ref": "election:E-1", "kind": "election", "organization": "crm"}
        events = write_lines(tmp_path / "e.jsonl", elected)
        registers = write_lines(tmp_path / "r.jsonl", {**election, "valid_from": "2020-01-01T00:00:00Z"})
        result = run("judge", events, "--evidence", registers)
        assert result.exit_code == 0
        assert [row["reason"] for row in rows_of(result)] == ["evidence_wrong_customer"]
        (told,) = result.stderr.splitlines()
        assert told.startswith(f"{registers}:1: warning: customer_ids: must name who made the election")

    def test_a_bad_line_is_named_and_the_good_ones_are_judged(self, tmp_path: Path) -> None:
        """By file, number, field and what was expected; blank lines are skipped, the exit code is 1."""
        ahead = {**EVENT, "time": "2199-01-01T00:00:00Z"}
        events = write_lines(
            tmp_path / "e.jsonl",
            {**EVENT, "actor_type": "staff"},
            "",
            EVENT,
            "{",
            {**EVENT, "note": 1},
            ahead,
            {**EVENT, "id": event_id(1, made_at_ms=7_226_582_400_000)},
        )
        registers = write_lines(tmp_path / "r.jsonl", {**COMPLAINT, "kind": "note"}, COMPLAINT)
        result = run("judge", events, "--evidence", registers)
        assert (result.exit_code, len(rows_of(result))) == (1, 1)
        told = result.stderr.splitlines()
        assert [line.split(": ")[:2] for line in told] == [
            [f"{registers}:1", "kind"],
            [f"{events}:1", "actor_type"],
            [f"{events}:4", "record"],
            [f"{events}:5", "note"],
            [f"{events}:6", "time"],
            [f"{events}:7", "id"],
        ]
        assert "Input should be 'employee'" in told[1]

    @pytest.mark.parametrize("output", ["table", "json", "csv"])
    def test_other_formats_hold_the_same(self, tmp_path: Path, output: str) -> None:
        """For people and for spreadsheets."""
        events = write_lines(tmp_path / "e.jsonl", EVENT)
        registers = write_lines(tmp_path / "r.jsonl", COMPLAINT)
        result = run("judge", events, "--evidence", registers, "--output", output)
        assert result.exit_code == 0
        assert "access.resolve-complaint" in result.stdout

    def test_without_a_stack_and_without_registers_it_says_what_to_do(self, tmp_path: Path) -> None:
        """Judging by empty registers would be an answer to another question."""
        events = write_lines(tmp_path / "e.jsonl", EVENT)
        with pytest.raises(StackUnavailable, match=r"earwitness up.*--evidence FILE"):
            run("judge", events)

    def test_a_file_that_is_not_there_is_bad_use(self, tmp_path: Path) -> None:
        """Exit code 2, naming the file."""
        registers = write_lines(tmp_path / "r.jsonl", COMPLAINT)
        for arguments in (
            ["missing.jsonl", "--evidence", registers],
            [registers, "--evidence", "missing.jsonl"],
        ):
            result = CliRunner().invoke(judge, arguments)
            assert (result.exit_code, "missing.jsonl" in result.stderr) == (2, True)

    def test_other_policies_can_be_tried(self, tmp_path: Path) -> None:
        """What would a draft say?"""
        copy = shutil.copytree(POLICIES, tmp_path / "draft")
        file = copy / "privacy-policy" / "2013-02-07" / "policy.toml"
        text = file.read_text(encoding="utf-8").replace(
            'purpose = "resolve_complaint"', 'purpose = "complaints"'
        )
        file.write_text(text, encoding="utf-8")
        events = write_lines(tmp_path / "e.jsonl", EVENT)
        registers = write_lines(tmp_path / "r.jsonl", COMPLAINT)
        result = run("judge", events, "--evidence", registers, "--policies", str(copy))
        assert [row["reason"] for row in rows_of(result)] == ["purpose_unknown"]


class TestPolicy:
    """Policy files, looked at."""

    def test_check_names_each_sound_version_with_its_digest(self) -> None:
        """The digest is what rows of the trail name."""
        (row,) = json.loads(run("policy", "check", "--policies", str(POLICIES), "--output", "json").stdout)
        assert (row["version"], row["clauses"], len(row["digest"])) == ("2013-02-07", 15, 64)

    def test_check_names_every_fault(self, tmp_path: Path) -> None:
        """File, clause and field; exit code 1."""
        copy = shutil.copytree(POLICIES, tmp_path / "draft")
        place = copy / "privacy-policy" / "2013-02-07"
        (place / "text.txt").write_text("Other words.", encoding="utf-8")
        (place / "cases.toml").write_text("", encoding="utf-8")
        result = CliRunner().invoke(policy, ["check", "--policies", str(copy)])
        assert result.exit_code == 1
        assert "cases.toml: access.resolve-complaint: has no case that must justify" in result.stderr
        assert "access.resolve-complaint: quotes words that the text does not hold" in result.stderr
        assert "nor a passage quotes: Other words." in result.stderr

    def test_a_policy_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        """Also by commands that only show."""
        place = tmp_path / "draft" / "privacy-policy" / "1"
        place.mkdir(parents=True)
        (place / "policy.toml").write_text("[[", encoding="utf-8")
        with pytest.raises(PolicyInvalid, match=r"policy\.toml: is not TOML"):
            run("policy", "show", "--policies", str(tmp_path / "draft"))

    def test_test_judges_every_case(self) -> None:
        """And says how many came out as they must."""
        result = run("policy", "test", "--policies", str(POLICIES), "--output", "jsonl")
        rows = rows_of(result)
        assert result.exit_code == 0
        assert len(rows) > 100
        assert all(row["passed"] for row in rows)
        assert f"{len(rows)} of {len(rows)} cases" in result.stderr

    def test_a_case_that_fails_is_told_with_what_differs(self, tmp_path: Path) -> None:
        """Exit code 1."""
        copy = shutil.copytree(POLICIES, tmp_path / "draft")
        file = copy / "privacy-policy" / "2013-02-07" / "policy.toml"
        text = file.read_text(encoding="utf-8").replace('evidence = "transfer"', 'evidence = "election"')
        file.write_text(text, encoding="utf-8")
        result = run("policy", "test", "--policies", str(copy))
        assert result.exit_code == 1
        assert "business-transfer: The buyer takes over what passes over with the business" in result.stderr
        assert "reason should be clause_met, is evidence_wrong_kind" in result.stderr

    def test_show_tells_what_a_version_permits(self) -> None:
        """In plain words, and as data."""
        shown = run("policy", "show", "--policies", str(POLICIES)).stdout
        assert "customer.elected-application" in shown
        assert "no-sale-or-transfer" in shown
        document = json.loads(run("policy", "show", "--policies", str(POLICIES), "--output", "json").stdout)
        assert len(document["clauses"]) == 15

    def test_show_gives_the_words_that_a_clause_stands_on(self) -> None:
        """The exact quotes, for a lawyer."""
        shown = run("policy", "show", "no-sale-or-transfer", "--policies", str(POLICIES)).stdout
        assert "does not sell, trade or transfer" in shown
        related = run("policy", "show", "related-company", "--policies", str(POLICIES), "--output", "jsonl")
        assert "affiliated with us" in rows_of(related)[0]["quotes"][0]

    @pytest.mark.parametrize("arguments", [["access.unknown"], ["--version", "1999-01-01"]])
    def test_what_is_not_there_is_said_with_what_is(self, arguments: list[str]) -> None:
        """The way on is in the message."""
        with pytest.raises(QueryRejected, match=r"access\.resolve-complaint|2013-02-07"):
            run("policy", "show", *arguments, "--policies", str(POLICIES))

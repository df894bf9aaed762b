"""`earwitness policy check|show|test|diff`, as people and scripts use them."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from earwitness.cli.main import earwitness
from earwitness.settings import ROOT
from models.errors import PolicyInvalid, QueryRejected
from tests.policy.versions import FIRST, SECOND, SECOND_VERSION

POLICIES: Final = ROOT / "policies"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(earwitness, ["policy", *map(str, arguments)], env={"COLUMNS": "100"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def json_of(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--output", "json").stdout)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Both versions in one folder."""
    for source in (POLICIES, SECOND_VERSION):
        shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    return tmp_path


def changed(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "privacy-policy" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class TestCheck:
    """One look at every version."""

    def test_sound_versions_are_listed_and_the_exit_code_is_0(self, both: Path) -> None:
        """The folder may be named as an argument or an option."""
        for named in ([both], ["--policies", both]):
            result = run("check", *named)
            assert result.exit_code == 0, result.stderr
            assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == [
                "2013-02-07",
                "2026-01-01",
            ]

    def test_a_fault_names_file_clause_and_what_to_do(self, both: Path) -> None:
        """And the exit code is 1."""
        changed(
            both,
            "2026-01-01/policy.toml",
            'actions = ["listen"]\nresource_types = ["call_recording"]',
            'actions = ["listen"]\nresource_types = ["sms_content"]',
        )
        result = run("check", both)
        assert result.exit_code == 1
        told = "fault  privacy-policy/2026-01-01/policy.toml: access.train-support: permits listen alone"
        assert told in result.stderr
        assert "to do: name actions for these types" in result.stderr

    def test_a_warning_is_told_but_is_no_failure(self, both: Path) -> None:
        """Whoever is responsible may have meant it."""
        changed(both, "2026-01-01/policy.toml", "grace_hours = 2", "grace_hours = 0")
        result = run("check", both)
        assert (result.exit_code, "warning  " in result.stderr) == (0, True)

    def test_the_words_are_at_fault_where_the_text_does_not_hold_them(self, both: Path) -> None:
        """Every kind of fault is told in the same form, as data too."""
        changed(both, "2026-01-01/text.txt", "to resolve a complaint", "to resolve the complaint")
        first, second = json_of("check", both)
        assert (first["sound"], second["sound"]) == (True, False)
        faults = [problem for problem in second["problems"] if problem["severity"] == "fault"]
        assert faults[0]["file"] == "privacy-policy/2026-01-01/policy.toml"
        assert faults[0]["part"] == "access.resolve-complaint"

    def test_a_version_that_cannot_be_read_does_not_hide_the_other(self, both: Path) -> None:
        """Both are looked at."""
        (both / "privacy-policy" / "2013-02-07" / "policy.toml").write_text("[[", encoding="utf-8")
        result = run("check", both)
        assert result.exit_code == 1
        assert "2013-02-07/policy.toml: is not TOML" in result.stderr
        assert "privacy-policy 2026-01-01" in result.stdout

    def test_an_empty_folder_is_at_fault(self, tmp_path: Path) -> None:
        """A typo in the path must not look sound."""
        result = run("check", tmp_path)
        assert (result.exit_code, "holds no policy" in result.stderr) == (1, True)

    def test_a_folder_named_twice_is_bad_use(self, both: Path) -> None:
        """Which of the two would count?"""
        with pytest.raises(QueryRejected, match="named twice"):
            run("check", both, "--policies", both)


class TestShow:
    """A version, for those who have to agree to it."""

    def test_each_clause_says_who_may_on_what_evidence_and_where_it_stands(self) -> None:
        """With what goes before it where nothing is declared."""
        shown = " ".join(run("show", "2013-02-07", "--policies", POLICIES).stdout.split())
        for words in (
            "legal.liability, for the purpose protect_liability",
            "a legal order, cited; where none is cited, one that names the actor or the actor's team",
            "it lists the purpose protect_liability",
            "beaten by legal.obligation, for employees, affiliates, unless protect_liability is declared",
            'text.txt, line 24, under "Is The Information Shared or Disclosed?"',
            "once any employment is registered, an employee needs one in force",
            "whatever else permits the access, this beats it",
        ):
            assert words in shown

    def test_a_version_ends_where_the_next_begins(self, both: Path) -> None:
        """Both ends are told, as words and as data."""
        shown = run("show", "2013-02-07", "--policies", both).stdout
        assert "from 2013-02-07 00:00:00 UTC to 2026-01-01 00:00:00 UTC" in shown
        assert (
            json_of("show", "2013-02-07", "--policies", both)["effective_until"]
            == "2026-01-01T00:00:00.000000Z"
        )
        assert json_of("show", "--policies", both)["effective_until"] is None

    def test_a_clause_of_a_version_is_shown_with_its_words(self, both: Path) -> None:
        """The newest version counts where none is named."""
        newest = run("show", "access.resolve-complaint", "--policies", both).stdout
        first = run("show", "2013-02-07", "access.resolve-complaint", "--policies", both).stdout
        assert "Our employees may listen" in newest
        assert "Your information within our Systems" in first

    def test_json_holds_every_field_its_words_and_its_places(self) -> None:
        """For those who make a page of it."""
        document = json_of("show", "--policies", POLICIES)
        clause = next(one for one in document["clauses"] if one["id"] == "legal.liability")
        assert document["digest"] == FIRST.digest
        assert clause["beaten_by"] == [{"clause": "legal.obligation", "actors": ["employee", "affiliate"]}]
        assert clause["in_words"]["who"] == "employees, affiliates"
        assert clause["places"] == [
            {
                "file": "text.txt",
                "first_line": 24,
                "last_line": 24,
                "heading": "Is The Information Shared or Disclosed?",
            }
        ]

    def test_without_its_text_a_version_is_shown_all_the_same(self, both: Path) -> None:
        """And says what is missing."""
        (both / "privacy-policy" / "2026-01-01" / "text.txt").unlink()
        assert "text.txt is not there" in run("show", "--policies", both).stdout

    def test_too_many_names_are_bad_use(self, both: Path) -> None:
        """A version and a clause, no more."""
        with pytest.raises(QueryRejected, match="too much is named"):
            run("show", "2013-02-07", "legal.liability", "legal.obligation", "--policies", both)


class TestCases:
    """`policy test`, with the cases beside a version and with others."""

    def case(self, **changes: Any) -> dict[str, Any]:
        """A case in full, as a program would write it."""
        return {
            "clause": "access.resolve-complaint",
            "name": "a dispute",
            "event": {
                "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
                "time": "2026-03-02T10:00:00Z",
                "source": "/s",
                "actor_type": "employee",
                "actor_id": "e-1",
                "action": "download",
                "resource_type": "call_recording",
                "resource_id": "r",
                "customer_id": "acme",
                "purpose": "resolve_complaint",
                "evidence_ref": "ticket:T-1",
            },
            "evidence": [
                {
                    "ref": "ticket:T-1",
                    "kind": "complaint",
                    "customer_ids": ["acme"],
                    "valid_from": "2026-01-01T00:00:00Z",
                }
            ],
            "verdict": "justified",
            "reason": "clause_met",
        } | changes

    def test_a_file_of_cases_is_judged_by_the_version_that_is_named(self, both: Path) -> None:
        """The newest, where none is: a download was allowed once, and is no longer."""
        file = both / "more.jsonl"
        file.write_text(json.dumps(self.case()) + "\n\n", encoding="utf-8")
        first = run("test", both, "--cases", file, "--version", "2013-02-07")
        newest = run("test", both, "--cases", file)
        assert (first.exit_code, newest.exit_code) == (0, 1)
        assert "2026-01-01: access.resolve-complaint: a dispute" in newest.stderr
        assert "reason should be clause_met, is action_not_needed" in newest.stderr

    def test_a_file_of_cases_may_be_toml_with_defaults(self, both: Path) -> None:
        """As the cases beside a version, of one clause alone."""
        file = both / "more.toml"
        text = (SECOND_VERSION / "privacy-policy/2026-01-01/cases.toml").read_text(encoding="utf-8")
        head, first, *_ = text.split("[[cases]]")
        file.write_text(f"{head}[[cases]]{first}", encoding="utf-8")
        result = run("test", both, "--cases", file)
        assert (result.exit_code, "1 of 1 cases" in result.stderr) == (0, True)

    def test_only_the_version_that_is_named_is_tested(self, both: Path) -> None:
        """With its own cases."""
        rows = json_of("test", both, "--version", "2026-01-01")
        assert {row["version"] for row in rows} == {"2026-01-01"}

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("{", "more.jsonl:1: is not JSON"),
            ('{"clause": "access.unknown"}', "cases.1 (access.unknown).name"),
            ("", "holds no case"),
        ],
    )
    def test_cases_that_cannot_be_read_are_named(self, both: Path, text: str, fault: str) -> None:
        """By line or by case and field; the exit code is 1."""
        file = both / "more.jsonl"
        file.write_text(text, encoding="utf-8")
        result = run("test", both, "--cases", file)
        assert (result.exit_code, fault in result.stderr) == (1, True), result.stderr

    def test_a_case_of_no_clause_is_named(self, both: Path) -> None:
        """It would prove nothing."""
        file = both / "more.jsonl"
        file.write_text(json.dumps(self.case(clause="access.unknown")), encoding="utf-8")
        assert "is no clause of version 2026-01-01" in run("test", both, "--cases", file).stderr

    @pytest.mark.parametrize(
        "arguments", [[], ["--cases", SECOND_VERSION / "privacy-policy/2026-01-01/cases.toml"]]
    )
    def test_a_version_that_is_not_there_is_said_with_those_that_are(
        self, both: Path, arguments: list[Path]
    ) -> None:
        """Nothing tested is not everything passed."""
        with pytest.raises(QueryRejected, match="there is no version 1999; there are 2013-02-07, 2026-01-01"):
            run("test", both, "--version", "1999", *arguments)


class TestDiff:
    """What another version changes."""

    @pytest.mark.parametrize(
        "named",
        [
            SECOND_VERSION,
            SECOND_VERSION / "privacy-policy/2026-01-01",
            SECOND_VERSION / "privacy-policy/2026-01-01/policy.toml",
        ],
    )
    def test_versions_are_named_by_name_or_by_path(self, named: Path) -> None:
        """A draft lies elsewhere than what is in effect."""
        result = run("diff", "2013-02-07", named, "--policies", POLICIES)
        assert result.exit_code == 0
        assert "affiliates may no longer touch content for resolve_complaint" in result.stdout
        assert "vendors may now touch content for maintain_service" in result.stdout
        assert "employees now also need evidence that lists the purpose legal_obligation" in result.stdout

    def test_two_versions_of_one_folder(self, both: Path) -> None:
        """As JSON, with both digests and both sides of every change."""
        told = json_of("diff", "2013-02-07", "2026-01-01", "--policies", both)
        assert (told["before"]["digest"], told["after"]["digest"]) == (FIRST.digest, SECOND.digest)
        assert {"part", "field", "effect", "before", "after", "meaning"} == set(told["changes"][0])

    def test_the_same_version_says_so(self, both: Path) -> None:
        """An empty page would look like a failure."""
        result = run("diff", "2013-02-07", "2013-02-07", "--policies", both)
        assert (result.exit_code, "the two say the same" in result.stderr) == (0, True)

    def test_what_is_not_there_is_said_with_what_is(self, both: Path) -> None:
        """A version that is not known, a folder of several, a path that is not there."""
        with pytest.raises(QueryRejected, match="there are 2013-02-07, 2026-01-01"):
            run("diff", "2013-02-07", "1999", "--policies", both)
        with pytest.raises(PolicyInvalid, match="holds several versions"):
            run("diff", "2013-02-07", f"{both}/", "--policies", both)
        with pytest.raises(PolicyInvalid, match="cannot be read"):
            run("diff", "2013-02-07", "missing/policy.toml", "--policies", both)

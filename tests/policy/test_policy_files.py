from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.policy import judge, parse_policies
from earwitness.policy.cases import parse_cases, run_case
from earwitness.policy.wording import faults_of_wording
from earwitness.policy_files import read_policies, read_with_cases
from earwitness.settings import ROOT
from models.errors import PolicyInvalid
from models.verdict import JUSTIFIED
from tests.builders import A_DAY, NOON, a_complaint, an_access, evidence
from tests.policy.versions import SECOND_VERSION

FOLDER: Final = ROOT / "policies" / "privacy-policy" / "2013-02-07"
TEXT: Final = (FOLDER / "policy.toml").read_text(encoding="utf-8")
SECOND_TEXT: Final = (SECOND_VERSION / "privacy-policy/2026-01-01/policy.toml").read_text(encoding="utf-8")
SHIPPED: Final = read_with_cases(ROOT / "policies")
EVERY_CASE: Final = [(version.policy, case) for version in SHIPPED for case in version.cases]

SMALL: Final = """
policy = "privacy-policy"
version = "1"
title = "A small policy"
effective_from = 2020-01-01T00:00:00Z

[[clauses]]
id = "access.resolve-complaint"
purpose = "resolve_complaint"
title = "Employees resolve complaints."
quotes = ["resolve a complaint"]
actors = ["employee"]
evidence = "complaint"

[forbid]
title = "Nothing leaves."
quotes = ["does not sell"]
lifted_by = []

[end]
"""


def faults_of(**texts: str) -> tuple[str, ...]:
    """What is wrong with policy files, given by name."""
    with pytest.raises(PolicyInvalid) as refused:
        parse_policies({f"{name}.toml": text.encode() for name, text in texts.items()})
    return refused.value.faults


@pytest.mark.parametrize(
    ("policy", "ready"), EVERY_CASE, ids=[f"{case.case.clause}: {case.case.name}" for _, case in EVERY_CASE]
)
def test_every_case_of_every_version_comes_out_as_it_must(policy: object, ready: object) -> None:
    """The cases are the policy in examples: what a clause must justify, and what it must not."""
    result = run_case(ready, policy)  # type: ignore[arg-type] # pytest hands over what SHIPPED holds
    assert result.differences == ()


@pytest.mark.parametrize("version", SHIPPED, ids=[version.policy.version for version in SHIPPED])
def test_every_clause_has_cases_of_both_kinds(version: object) -> None:
    """A clause that is never refused, or never met, is not tested."""
    both = {(case.case.clause, case.case.verdict == JUSTIFIED) for case in version.cases}  # type: ignore[attr-defined]
    clauses = [clause.id for clause in version.policy.clauses] + ["no-sale-or-transfer"]  # type: ignore[attr-defined]
    assert both == {(clause, kind) for clause in clauses for kind in (True, False)}


def test_clauses_and_passages_are_the_whole_text_of_the_policy() -> None:
    """A lawyer sees every sentence: what it opens, or why it opens nothing."""
    text = (FOLDER / "text.txt").read_text(encoding="utf-8")
    assert faults_of_wording(SHIPPED[0].policy.document, text) == []


def test_words_that_the_text_does_not_hold_and_words_left_out_are_named() -> None:
    """A quote must be a quote, and nothing may be passed over."""
    (policy,) = parse_policies({"small.toml": SMALL.encode()}).policies
    faults = faults_of_wording(policy.document, "We resolve a complaint.\nWe sell.")
    assert any("access" not in fault and "does not sell" in fault for fault in faults)
    assert any(fault.endswith("We sell.") for fault in faults)


class TestDigest:
    """A version is known by its digest."""

    def digest(self, text: str) -> str:
        return parse_policies({"policy.toml": text.encode()}).policies[0].digest

    def test_comments_and_layout_do_not_change_it(self) -> None:
        """Nobody judges by a comment."""
        assert self.digest(f"# a comment\n{TEXT}\n\n") == self.digest(TEXT)
        assert self.digest(TEXT.replace('actors = ["vendor"]', 'actors = [\n  "vendor",\n]')) == self.digest(
            TEXT
        )

    def test_the_same_instant_in_another_offset_does_not_change_it(self) -> None:
        """It is the same time."""
        moved = TEXT.replace("2013-02-07T00:00:00Z", "2013-02-07T05:30:00+05:30")
        assert moved != TEXT
        assert self.digest(moved) == self.digest(TEXT)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("grace_hours = 24", "grace_hours = 25"),
            ('actions = ["process", "update", "delete"]', 'actions = ["process", "update"]'),
            ("2013-02-07T00:00:00Z", "2013-02-08T00:00:00Z"),
            ("An affiliate's organization", "The affiliate's organization"),
        ],
    )
    def test_any_content_changes_it(self, old: str, new: str) -> None:
        """Titles too: they are what people were told."""
        assert old in TEXT
        assert self.digest(TEXT.replace(old, new)) != self.digest(TEXT)

    def test_it_is_the_digest_of_the_shipped_version(self) -> None:
        """Rows of the trail name it: a change here is a changed version, and must be a new one."""
        expected = "79262db55b359fbedabb2f5fbd1226d524ca807ddeafd9fa4b330cd8eac3d90c"
        assert self.digest(TEXT) == expected


class TestWhole:
    """A policy file says that it is whole: the part of one that is being copied is no version."""

    @pytest.mark.parametrize("text", [TEXT, SECOND_TEXT, SMALL], ids=["shipped", "second", "small"])
    def test_the_first_lines_of_a_version_are_no_version(self, text: str) -> None:
        """Without its standing a version asks nobody whether he is employed; without clauses it accuses."""
        lines = text.splitlines(keepends=True)
        for count in range(len(lines)):
            assert faults_of(part="".join(lines[:count]))

    @given(cut=st.integers(0, len(TEXT)))
    @settings(max_examples=50, deadline=None)
    def test_a_version_that_was_cut_off_anywhere_is_refused_or_says_the_same(self, cut: int) -> None:
        """Copies are cut by blocks, not by lines; only the words beside the last line can be missing."""
        try:
            (policy,) = parse_policies({"part.toml": TEXT[:cut].encode()}).policies
        except PolicyInvalid:
            return
        assert policy.digest == SHIPPED[0].policy.digest

    @pytest.mark.parametrize(
        "ending",
        ["", "\nend = {}", "\n[end]\nwhole = true", "\n[end]\n# more to come", "\n[end]\n[standing]"],
    )
    def test_the_last_line_is_told(self, ending: str) -> None:
        """Nothing may follow it, for what precedes it is a version already."""
        (fault,) = faults_of(part=SMALL.removesuffix("\n[end]\n") + ending)
        assert fault.startswith("part.toml: does not end with the line [end]: it was cut off")

    def test_a_file_of_another_system_may_end_its_lines_otherwise(self) -> None:
        """A lawyer's editor writes what it writes."""
        (policy,) = parse_policies({"policy.toml": SMALL.replace("\n", "\r\n").encode()}).policies
        assert policy.version == "1"


class TestFaults:
    """A policy file that cannot be used is refused with every fault: file, clause, field."""

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            ("lifted_by = []", "lifted_by = [", "broken.toml: is not TOML: "),
            ('"complaint"', '"complain"', "clauses.1 (access.resolve-complaint).evidence: "),
            ('["employee"]', '["staff"]', "clauses.1 (access.resolve-complaint).actors.0: "),
            ('["employee"]', "[]", "clauses.1 (access.resolve-complaint).actors: "),
            ("purpose =", "purposes =", "clauses.1 (access.resolve-complaint).purpose: Field required"),
            ("purpose =", "purposes =", "clauses.1 (access.resolve-complaint).purposes: "),
            ("T00:00:00Z", "T00:00:00", "effective_from: Value error, must carry an offset"),
            ('quotes = ["resolve a complaint"]', "quotes = []", "(access.resolve-complaint).quotes: "),
            ('"complaint"\n', '"none"\n', "a clause without evidence is for customers"),
            ("lifted_by = []", 'lifted_by = []\nfree = ["own_use"]', "unknown purposes: own_use"),
            ("[forbid]", '[forbid]\nid = "another"', "forbid.id: "),
            ('title = "A small', 'grace_hours = -1\ntitle = "A small', "grace_hours: "),
            ('"complaint"\n', '"complaint"\nrequires = ["own_content"]\n', "own_content is for clauses"),
        ],
    )
    def test_the_fault_is_named_with_its_place(self, old: str, new: str, fault: str) -> None:
        """Whoever writes policies is told where to look."""
        assert old in SMALL
        assert any(fault in told for told in faults_of(broken=SMALL.replace(old, new)))

    @pytest.mark.parametrize("value", ["1" * 5_000, "[" * 50_000, "{a=" * 5_000])
    def test_what_is_too_long_or_too_deep_to_read_is_no_toml(self, value: str) -> None:
        """A reader that gives up is no reason for its process to."""
        (fault,) = faults_of(broken=f"grace_hours = {value}")
        assert fault.startswith("broken.toml: is not TOML: ")

    def test_all_faults_of_all_files_are_told_at_once(self) -> None:
        """Not one at every start."""
        one = SMALL.replace('"complaint"', '"complain"').replace('["employee"]', '["staff"]')
        faults = faults_of(one=one, two="[[")
        assert [fault.split(":")[0] for fault in faults] == ["one.toml", "one.toml", "two.toml"], faults

    def test_a_purpose_or_id_used_twice_is_refused(self) -> None:
        """Which clause would a purpose mean?"""
        clause = SMALL[SMALL.index("[[clauses]]") : SMALL.index("[forbid]")]
        (fault,) = faults_of(double=SMALL.replace("[forbid]", clause + "[forbid]"))
        assert "clause id used twice: access.resolve-complaint" in fault


class TestVersions:
    """The newest version that is effective when an access happens counts."""

    later = (
        SMALL.replace('"1"', '"2"').replace("2020-", "2026-03-02").replace("2026-03-0201-01", "2026-03-02")
    )

    def version_at(self, days: int) -> str:
        policies = parse_policies({"one": SMALL.encode(), "two": self.later.encode()})
        access = an_access(time=NOON.replace(hour=0) + days * A_DAY)
        known = evidence(a_complaint(valid_from=NOON - 9_000 * A_DAY))
        return judge(access, policies, known, received_at=NOON, as_of=NOON).policy_version

    def test_each_version_counts_from_its_first_instant_until_the_next(self) -> None:
        """An old access is judged by the policy of its day, whenever it is judged."""
        assert [self.version_at(days) for days in (-9_000, -1, 0, 1)] == ["", "1", "2", "2"]

    def test_an_old_access_finds_its_version_among_many(self) -> None:
        """After years of amendments most versions are neither the first nor the newest."""
        years = range(2020, 2025)
        texts = {str(year): SMALL.replace('"1"', f'"{year}"').replace("2020-", f"{year}-") for year in years}
        policies = parse_policies({name: text.encode() for name, text in texts.items()})
        found = [policies.in_effect_at(NOON.replace(year=year)) for year in years]
        assert [policy.version for policy in found if policy is not None] == [str(year) for year in years]

    def test_a_known_version_with_other_content_is_refused(self) -> None:
        """History was judged by it; it never changes."""
        (fault,) = faults_of(one=SMALL, two=SMALL.replace("Nothing leaves", "Little leaves"))
        assert "version 1 is also in one.toml, with other content" in fault

    def test_the_same_content_twice_is_one_version(self) -> None:
        """A copy of the file is harmless."""
        assert len(parse_policies({"one": SMALL.encode(), "two": SMALL.encode()}).policies) == 1

    def test_two_versions_cannot_begin_at_the_same_instant(self) -> None:
        """Which would count?"""
        (fault,) = faults_of(one=SMALL, two=SMALL.replace('"1"', '"2"'))
        assert "effective_from" in fault

    def test_two_policies_cannot_judge_the_same_accesses(self) -> None:
        """One installation, one policy."""
        other = self.later.replace('policy = "privacy-policy"', 'policy = "another"')
        (fault,) = faults_of(one=SMALL, two=other)
        assert "judges by one policy" in fault


class TestFolder:
    """Versions are files: NAME/VERSION/policy.toml."""

    def write(self, folder: Path, **files: str) -> Path:
        place = folder / "privacy-policy" / "1"
        place.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (place / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return folder

    def test_a_folder_without_policies_is_refused(self, tmp_path: Path) -> None:
        """A worker without a policy would call everything indeterminate."""
        with pytest.raises(PolicyInvalid, match="holds no policy"):
            read_policies(tmp_path)
        with pytest.raises(PolicyInvalid, match="holds no policy"):
            read_policies(tmp_path / "missing")

    def test_faults_name_the_file(self, tmp_path: Path) -> None:
        """As its path in the folder."""
        self.write(tmp_path, policy_toml=SMALL.replace('"complaint"', '"complain"'))
        with pytest.raises(PolicyInvalid, match=r"privacy-policy/1/policy\.toml: clauses\.1"):
            read_policies(tmp_path)

    def test_a_version_without_cases_or_text_is_not_sound(self, tmp_path: Path) -> None:
        """It judges, but a check names what it lacks."""
        self.write(tmp_path, policy_toml=SMALL)
        assert read_policies(tmp_path).policies[0].version == "1"
        with pytest.raises(PolicyInvalid) as refused:
            read_with_cases(tmp_path)
        assert [fault.split(": ")[0].rsplit("/", 1)[1] for fault in refused.value.faults] == [
            "cases.toml",
            "text.txt",
        ]

    def test_cases_that_cannot_be_read_are_named(self) -> None:
        """With the case and the field."""
        (policy,) = parse_policies({"small": SMALL.encode()}).policies
        cases = b"""
            [[cases]]
            clause = "access.resolve-complaint"
            name = "a case"
            event = { actor_type = "staff" }
            verdict = "justified"
            reason = "clause_met"
            [[cases]]
            clause = "access.unknown"
            name = "another"
            verdict = "unjustified"
            reason = "purpose_unknown"
        """
        with pytest.raises(PolicyInvalid) as refused:
            parse_cases("cases.toml", cases, policy)
        faults = refused.value.faults
        assert any("access.resolve-complaint: a case: event: actor_type" in fault for fault in faults)
        assert "cases.toml: access.resolve-complaint: has no case that must not justify" in faults
        assert "cases.toml: no-sale-or-transfer: has no case that must justify" in faults
        assert "cases.toml: access.unknown: is no clause of version 1" in faults

    def test_a_case_that_comes_out_otherwise_says_how(self) -> None:
        """Expected and found, field by field."""
        version = SHIPPED[0]
        ready = next(case for case in version.cases if case.case.verdict == JUSTIFIED)
        wrong = ready._replace(
            case=ready.case.model_copy(update={"verdict": "pending", "evidence_used": ("x",)})
        )
        assert run_case(wrong, version.policy).differences == (
            "verdict should be pending, is justified",
            "clause should be none, is access.resolve-complaint",
            "evidence_used should be ['x'], is ['ticket:T-1']",
        )

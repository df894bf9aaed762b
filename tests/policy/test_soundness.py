"""What a policy file can say that nobody means: each small policy here shows one such thing."""

from pathlib import Path
from typing import Final

import pytest

from earwitness.policy import parse_policies
from earwitness.policy.clause_problems import problems_of_clause
from earwitness.policy.precedence import beaten_clauses
from earwitness.policy.problems import Problem
from earwitness.policy.version_problems import problems_of_version
from earwitness.policy_inspection import Inspected, inspect
from earwitness.settings import ROOT
from models.policy import PolicyDocument

FILE: Final = "house-policy/1/policy.toml"
HEAD: Final = """
policy = "house-policy"
version = "1"
title = "A small policy"
effective_from = 2020-01-01T00:00:00Z
"""
COMPLAINT: Final = """
[[clauses]]
id = "access.resolve-complaint"
purpose = "resolve_complaint"
title = "Employees resolve complaints."
quotes = ["resolve a complaint"]
actors = ["employee"]
evidence = "complaint"
"""
VENDOR: Final = """
[[clauses]]
id = "third-party.process-calls"
purpose = "process_calls"
title = "Vendors process calls."
quotes = ["process calls"]
actors = ["vendor"]
evidence = "engagement"
requires = ["lists_function", "same_organization"]
"""
SERVICE: Final = """
[[clauses]]
id = "use.provide-service"
purpose = "provide_service"
title = "Services provide the service."
quotes = ["provide the service"]
actors = ["service"]
evidence = "service_account"
evidence_found = "by_assignee"
requires = ["lists_action"]
"""
OWN_USE: Final = """
[[clauses]]
id = "customer.own-use"
purpose = "own_use"
title = "Customers use their own content."
quotes = ["use your own"]
actors = ["customer"]
evidence = "none"
requires = ["own_content"]
"""
FORBID: Final = """
[forbid]
title = "Nothing leaves but to vendors."
quotes = ["does not sell"]
lifted_by = ["engagement"]
free = ["own_use"]
"""
EMPLOYED: Final = """
[[standing]]
evidence = "employment"
actors = ["employee"]
title = "Employees are employed."
quotes = ["our employees"]
"""
SOUND: Final = HEAD + COMPLAINT + VENDOR + SERVICE + OWN_USE + FORBID + EMPLOYED


def whole(text: str) -> str:
    """The text of a file that was not cut off."""
    return f"{text}\n[end]\n"


def document(text: str) -> PolicyDocument:
    return parse_policies({FILE: whole(text).encode()}).policies[0].document


def problems(text: str) -> list[Problem]:
    """What is wrong with a policy; that some actors have no clause is told of every small one."""
    read = document(text)
    found = [
        *problems_of_version(read, FILE),
        *(p for c in read.clauses for p in problems_of_clause(c, FILE)),
    ]
    return [problem for problem in found if not problem.what.startswith("no clause is open to")]


def changed(old: str, new: str, text: str = SOUND) -> str:
    assert old in text
    return text.replace(old, new)


def test_a_sound_policy_has_no_problems() -> None:
    """Or nobody would read those of the others."""
    assert problems(SOUND) == []


@pytest.mark.parametrize(
    ("old", "new", "severity", "part", "what"),
    [
        (
            'evidence = "complaint"\n',
            'evidence = "engagement"\nrequires = ["lists_function", "same_organization"]\n',
            "fault",
            "access.resolve-complaint",
            "accesses of employee name no organization: nobody can meet it",
        ),
        (
            'actors = ["vendor"]',
            'actors = ["vendor", "employee"]',
            "warning",
            "third-party.process-calls",
            "accesses of employee name no organization: none of them can meet it",
        ),
        (
            'evidence = "engagement"\nrequires = ["lists_function", "same_organization"]',
            'evidence = "work_order"\nrequires = ["lists_purpose", "same_organization"]',
            "warning",
            "third-party.process-calls",
            "registers name no organization in a work_order",
        ),
        (
            'evidence = "engagement"\nrequires = ["lists_function", "same_organization"]',
            'evidence = "legal_order"\nrequires = ["lists_purpose", "same_organization"]',
            "warning",
            "third-party.process-calls",
            "the organization of a legal_order is the authority",
        ),
        (
            'requires = ["lists_function", "same_organization"]',
            'requires = ["lists_function"]',
            "warning",
            "third-party.process-calls",
            "lets vendor cite the engagement of any other organization",
        ),
        (
            'evidence = "complaint"\n',
            'evidence = "complaint"\nrequires = ["lists_function"]\n',
            "warning",
            "access.resolve-complaint",
            "requires lists_function, which registers do not tell in a complaint",
        ),
        (
            'evidence = "complaint"\n',
            'evidence = "complaint"\nrequires = ["lists_purpose"]\n',
            "warning",
            "access.resolve-complaint",
            "requires lists_purpose, which registers do not tell in a complaint",
        ),
        (
            'requires = ["lists_function", "same_organization"]',
            'requires = ["lists_action", "same_organization"]',
            "warning",
            "third-party.process-calls",
            "requires lists_action, which registers do not tell in an engagement",
        ),
        (
            'evidence = "service_account"\nevidence_found = "by_assignee"\nrequires = ["lists_action"]',
            'evidence = "work_order"\nrequires = ["lists_purpose"]',
            "warning",
            "use.provide-service",
            "wants a service to cite evidence, which none does",
        ),
        (
            'evidence_found = "by_assignee"\nrequires = ["lists_action"]',
            'evidence_found = "by_assignee"',
            "warning",
            "use.provide-service",
            "is met by any service_account that names the actor, whatever it was registered for",
        ),
        (
            'actors = ["employee"]\nevidence = "complaint"',
            'actors = ["employee", "customer"]\nevidence = "complaint"',
            "warning",
            "access.resolve-complaint",
            "own_content is not asked for",
        ),
        (
            'evidence = "complaint"\n',
            'evidence = "complaint"\nactions = ["listen"]\nresource_types = ["sms_content"]\n',
            "fault",
            "access.resolve-complaint",
            "permits listen alone, of sms_content, which cannot be heard: nothing is left",
        ),
        (
            'evidence = "complaint"\n',
            'evidence = "complaint"\nactions = ["listen", "read"]\nresource_types = ["sms_content"]\n',
            "warning",
            "access.resolve-complaint",
            "permits to listen what cannot be heard: sms_content",
        ),
        (
            'evidence = "complaint"\n',
            'evidence = "complaint"\nactions = ["listen"]\nresource_types = ["sms_content", "ivr_content"]\n',
            "warning",
            "access.resolve-complaint",
            "names sms_content, but permits listen alone",
        ),
        (
            'actors = ["vendor"]',
            'actors = ["vendor", "vendor"]',
            "warning",
            "third-party.process-calls",
            "names vendor twice in actors",
        ),
        ('"engagement"]\nfree', "]\nfree", "warning", "no-sale-or-transfer", "nothing lifts it"),
        (
            'lifted_by = ["engagement"]',
            'lifted_by = ["engagement", "transfer"]',
            "warning",
            "no-sale-or-transfer",
            "lifted_by names transfer, but no clause lets one be cited",
        ),
        (
            'lifted_by = ["engagement"]',
            'lifted_by = ["engagement", "complaint"]',
            "warning",
            "no-sale-or-transfer",
            "lifted_by names complaint, but registers name no organization in one",
        ),
        (
            'lifted_by = ["engagement"]',
            'lifted_by = ["engagement", "engagement"]',
            "warning",
            "no-sale-or-transfer",
            "names a kind twice",
        ),
        (
            'free = ["own_use"]',
            'free = ["own_use", "process_calls"]',
            "warning",
            "no-sale-or-transfer",
            "is free of process_calls: for it content may leave for anybody",
        ),
        (
            'free = ["own_use"]',
            'free = ["own_use", "process_calls", "resolve_complaint", "provide_service"]',
            "fault",
            "no-sale-or-transfer",
            "is free of every purpose",
        ),
        (
            EMPLOYED,
            "",
            "warning",
            "access.resolve-complaint",
            "is open to actors of type employee, of whom no",
        ),
        (COMPLAINT, "", "warning", "standing employment", "to whom no clause is open"),
        ('title = "A small', 'grace_hours = 0\ntitle = "A small', "warning", "grace_hours", "is 0"),
        ('title = "A small', 'grace_hours = 1000\ntitle = "A small', "warning", "grace_hours", "for 42 days"),
        ('version = "1"', 'version = "2"', "fault", "version", "but lies in house-policy/1"),
        (
            'version = "1"',
            'version = "2021-01-01"',
            "warning",
            "effective_from",
            "begins at 2020-01-01T00:00:00.000000Z, but is named 2021-01-01",
        ),
        (
            EMPLOYED,
            EMPLOYED + '[[passages]]\nquotes = ["We process calls."]\nwhy = "Nothing."\n',
            "fault",
            "third-party.process-calls",
            "stands on words of which passage 1 says that they permit no access",
        ),
        (
            VENDOR,
            VENDOR
            + VENDOR.replace("process-calls", "again")
            .replace("process_calls", "again")
            .replace('"lists_function", ', "")
            + VENDOR.replace("process-calls", "third").replace("process_calls", "third"),
            "note",
            "third-party.third",
            "is never derived: third-party.again stands before it",
        ),
        (
            COMPLAINT,
            COMPLAINT + COMPLAINT.replace("resolve", "answer"),
            "warning",
            "access.answer-complaint",
            "is never derived: access.resolve-complaint stands before it",
        ),
    ],
)
def test_each_thing_that_nobody_means_is_told(
    old: str, new: str, severity: str, part: str, what: str
) -> None:
    """With the part it is about, how bad it is, and what to do."""
    found = problems(changed(old, new))
    (told,) = [problem for problem in found if what in problem.what]
    assert (told.severity, told.file, told.part) == (severity, FILE, part)
    assert told.advice


def test_a_version_named_by_its_day_may_begin_at_midnight_anywhere() -> None:
    """Midnight in Bangalore is the evening before in UTC."""
    named = changed('version = "1"', 'version = "2020-01-01"')
    indian = changed("2020-01-01T00:00:00Z", "2020-01-01T00:00:00+05:30", named)
    assert not [problem for problem in problems(indian) if problem.part == "effective_from"]


def test_actors_without_a_clause_are_noted() -> None:
    """To forget them is to accuse all of them."""
    notes = [p for p in problems_of_version(document(SOUND), FILE) if p.severity == "note"]
    assert [note.what.split(":")[0] for note in notes] == [
        "no clause is open to affiliate and acquirer and application"
    ]


class TestPrecedence:
    """Of several clauses that explain an access the first counts: a later one may never be reached."""

    def beaten(self, *clauses: str) -> list[tuple[str, str]]:
        read = document(HEAD + "".join(clauses) + OWN_USE + FORBID)
        return [(beaten.clause.purpose, beaten.by.purpose) for beaten in beaten_clauses(read)]

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            ("", ""),
            ("", 'requires = ["lists_purpose"]'),
            ("", 'actions = ["read"]'),
            ('actions = ["read", "list"]', 'actions = ["read"]\nresource_types = ["sms_content"]'),
            ('requires = ["same_organization"]', 'requires = ["lists_purpose", "same_organization"]'),
        ],
    )
    def test_the_same_or_a_narrower_clause_is_beaten(self, earlier: str, later: str) -> None:
        """Whatever explains it explains the earlier one."""
        made = (COMPLAINT + earlier + "\n", COMPLAINT.replace("resolve", "answer") + later + "\n")
        assert self.beaten(*made) == [("answer_complaint", "resolve_complaint")]

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            ('requires = ["lists_purpose"]', ""),
            ('requires = ["lists_purpose"]', 'requires = ["lists_purpose"]'),
            ('actions = ["read"]', ""),
            ('actions = ["read"]', 'actions = ["read", "list"]'),
            ('resource_types = ["sms_content"]', 'resource_types = ["call_recording"]'),
            ('evidence_found = "by_assignee"', ""),
            ('requires = ["same_organization"]', ""),
        ],
    )
    def test_a_clause_that_something_else_explains_is_not(self, earlier: str, later: str) -> None:
        """Some evidence meets the later one alone."""
        made = (COMPLAINT + earlier + "\n", COMPLAINT.replace("resolve", "answer") + later + "\n")
        assert self.beaten(*made) == []

    def test_other_evidence_and_other_actors_are_another_matter(self) -> None:
        """A clause is beaten for the actors that the earlier one is open to."""
        answer = COMPLAINT.replace("resolve", "answer")
        assert self.beaten(COMPLAINT, answer.replace('"complaint"', '"work_order"')) == []
        assert self.beaten(COMPLAINT, answer.replace('["employee"]', '["affiliate"]')) == []
        read = document(
            HEAD + COMPLAINT + answer.replace('["employee"]', '["employee", "affiliate"]') + OWN_USE + FORBID
        )
        (beaten,) = beaten_clauses(read)
        assert (beaten.actors, beaten.wholly) == (("employee",), False)

    def test_what_the_forbid_does_not_concern_is_not_beaten_by_what_it_does(self) -> None:
        """Content that leaves is explained by the free clause alone."""
        read = document(
            HEAD
            + COMPLAINT
            + COMPLAINT.replace("resolve", "answer")
            + FORBID.replace("own_use", "answer_complaint")
        )
        assert not list(beaten_clauses(read))


class TestFolder:
    """`policy check` looks at every file, and tells of all of them at once."""

    def inspected(self, folder: Path, **texts: str) -> dict[str, Inspected]:
        for version, text in texts.items():
            place = folder / "house-policy" / version
            place.mkdir(parents=True)
            (place / "policy.toml").write_text(whole(text), encoding="utf-8")
        return {one.file.split("/")[1]: one for one in inspect(folder)}

    def test_shipped_versions_and_that_of_the_tests_have_no_faults(self) -> None:
        """A check that accuses the sound is switched off."""
        for folder in (ROOT / "policies", ROOT / "tests/policy/second_version"):
            for version in inspect(folder):
                assert version.is_sound, version.problems
                assert not [
                    p for p in version.problems if p.severity == "warning" and "policy.toml" in p.file
                ]

    def test_a_file_that_cannot_be_read_does_not_hide_the_others(self, tmp_path: Path) -> None:
        """All that is wrong is told at once."""
        found = self.inspected(tmp_path, a="[[", b=changed('version = "1"', 'version = "b"'))
        assert found["a"].policy is None
        assert [problem.what[:11] for problem in found["a"].problems] == ["is not TOML"]
        assert {
            problem.file.rsplit("/", 1)[1] for problem in found["b"].problems if problem.severity == "fault"
        } == {
            "cases.toml",
            "text.txt",
        }

    def test_versions_that_contradict_each_other_are_named(self, tmp_path: Path) -> None:
        """Two that begin at one instant: the one would shadow the other."""
        first = changed('version = "1"', 'version = "a"')
        found = self.inspected(tmp_path, a=first, b=changed('version = "1"', 'version = "b"'))
        assert any("effective_from" in problem.what for problem in found["b"].problems)
        assert not found["b"].is_sound

    def test_what_no_case_tries_is_named(self, tmp_path: Path) -> None:
        """A requirement that nothing tests may be lost without anybody seeing it."""
        place = tmp_path / "house-policy" / "1"
        place.mkdir(parents=True)
        text = whole(changed('["vendor"]', '["vendor", "acquirer"]'))
        (place / "policy.toml").write_text(text, encoding="utf-8")
        (place / "cases.toml").write_text(_cases(document(SOUND)), encoding="utf-8")
        (inspected,) = inspect(tmp_path)
        told = {
            (problem.part, problem.what) for problem in inspected.problems if "has no case" in problem.what
        }
        assert told == {
            (
                "third-party.process-calls",
                "has no case that must justify an access by an actor of type acquirer",
            ),
            ("third-party.process-calls", "has no case that is refused by its lists_function"),
            ("third-party.process-calls", "has no case that is refused by its same_organization"),
            ("use.provide-service", "has no case that is refused by its lists_action"),
            ("customer.own-use", "has no case that is refused by its own_content"),
            ("standing employment", "has no case that is refused for want of it"),
        }


def _cases(read: PolicyDocument) -> str:
    """One case of each kind for each clause; they need not come out so."""
    head = """
[defaults.event]
id = "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a"
time = 2026-03-02T10:00:00Z
source = "/s"
organization = "o"
actor_id = "a"
action = "listen"
resource_type = "call_recording"
resource_id = "r"
customer_id = "acme"
"""
    parts = [(clause.id, clause.actors[0]) for clause in read.clauses] + [(read.forbid.id, "vendor")]
    return head + "".join(
        f'[[cases]]\nclause = "{part}"\nname = "{verdict}"\nevent = {{ actor_type = "{actor}" }}\n'
        f'verdict = "{verdict}"\nreason = "{reason}"\n'
        for part, actor in parts
        for verdict, reason in (("justified", "clause_met"), ("unjustified", "evidence_not_cited"))
    )

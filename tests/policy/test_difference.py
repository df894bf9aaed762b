"""What another version changes, in words that a lawyer and a vendor understand."""

from typing import Final

import pytest

from earwitness.policy.changes import Change
from earwitness.policy.difference import compare
from tests.policy.test_soundness import COMPLAINT, SOUND, VENDOR, changed, document
from tests.policy.versions import FIRST, SECOND

AFFILIATED: Final = """
[[standing]]
evidence = "affiliation"
actors = ["affiliate"]
title = "Affiliates are affiliated."
quotes = ["affiliates"]
"""
BASE: Final = document(SOUND)


def test_a_version_differs_from_itself_in_nothing() -> None:
    """Nor does a copy with other comments."""
    assert compare(BASE, document(f"# a comment\n{SOUND}")) == []
    assert compare(SECOND.document, SECOND.document) == []


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (
            COMPLAINT,
            "",
            (
                "access.resolve-complaint",
                "clause",
                "closes",
                "gone: employees may no longer touch content for resolve_complaint; an access that",
            ),
        ),
        (
            VENDOR,
            VENDOR + VENDOR.replace("process", "store").replace('"lists_function", ', ""),
            (
                "third-party.store-calls",
                "clause",
                "opens",
                "new: vendors may now touch every type of content for store_calls, on an engagement, cited;",
            ),
        ),
        (
            'actors = ["vendor"]',
            'actors = ["acquirer"]',
            (
                "third-party.process-calls",
                "actors",
                "closes",
                "vendors may no longer touch content for process_calls",
            ),
        ),
        (
            'actors = ["vendor"]',
            'actors = ["vendor", "acquirer"]',
            (
                "third-party.process-calls",
                "actors",
                "opens",
                "acquirers of the business may now touch content for process_calls",
            ),
        ),
        (
            'evidence = "complaint"',
            'evidence = "work_order"',
            (
                "access.resolve-complaint",
                "evidence",
                "changes",
                "employees now need a work order; a complaint is not enough any more",
            ),
        ),
        (
            'evidence = "complaint"',
            'evidence = "complaint"\nevidence_found = "by_assignee"',
            (
                "access.resolve-complaint",
                "evidence_found",
                "changes",
                "employees cite nothing any more: evidence must name them, and what they",
            ),
        ),
        (
            'evidence_found = "by_assignee"\n',
            "",
            (
                "use.provide-service",
                "evidence_found",
                "changes",
                "our own services now cite the evidence; it need not name them",
            ),
        ),
        (
            '["lists_function", "same_organization"]',
            '["lists_function"]',
            (
                "third-party.process-calls",
                "requires",
                "opens",
                "vendors no longer need evidence about their own organization",
            ),
        ),
        (
            '["lists_function", "same_organization"]',
            '["lists_purpose", "lists_function", "same_organization"]',
            (
                "third-party.process-calls",
                "requires",
                "closes",
                "vendors now also need evidence that lists the purpose process_calls",
            ),
        ),
        (
            'evidence = "complaint"',
            'evidence = "complaint"\nactions = ["listen", "read"]',
            (
                "access.resolve-complaint",
                "actions",
                "closes",
                "employees may no longer download, list, search, export, share, transcribe, update,",
            ),
        ),
        (
            'evidence = "complaint"',
            'evidence = "complaint"\nresource_types = ["call_recording"]',
            (
                "access.resolve-complaint",
                "resource_types",
                "closes",
                "employees may no longer touch SMS content, IVR content, call details,",
            ),
        ),
        (
            'purpose = "process_calls"',
            'purpose = "carry_calls"',
            (
                "third-party.process-calls",
                "purpose",
                "changes",
                "its purpose is now declared as carry_calls; an access that declares process_calls is",
            ),
        ),
        (
            'id = "third-party.process-calls"',
            'id = "vendors.calls"',
            (
                "vendors.calls",
                "id",
                "words",
                "is the clause third-party.process-calls of before; verdicts name it by its new id",
            ),
        ),
        (
            "Employees resolve complaints.",
            "Agents resolve them.",
            ("access.resolve-complaint", "title", "words", ""),
        ),
        (
            '["engagement"]',
            '["engagement", "complaint"]',
            ("no-sale-or-transfer", "lifted_by", "opens", "content may now leave for whom a complaint names"),
        ),
        (
            '["engagement"]',
            "[]",
            (
                "no-sale-or-transfer",
                "lifted_by",
                "closes",
                "content may no longer leave for whom only an engagement names",
            ),
        ),
        (
            'free = ["own_use"]',
            'free = ["own_use", "process_calls"]',
            ("no-sale-or-transfer", "free", "opens", "for process_calls content may now leave for anybody"),
        ),
        (
            'free = ["own_use"]',
            "",
            (
                "no-sale-or-transfer",
                "free",
                "closes",
                "for own_use content may no longer leave for a recipient whom no evidence names",
            ),
        ),
        (
            "2020-01-01T",
            "2021-01-01T",
            (
                "version",
                "effective_from",
                "changes",
                "an access that happens at 2021-01-01T00:00:00.000000Z or later is judged by 1",
            ),
        ),
        (
            "[[standing]]",
            AFFILIATED + "[[standing]]",
            (
                "standing affiliation",
                "standing",
                "closes",
                "now asked for: an affiliate's organization needs an affiliation in force",
            ),
        ),
        (
            'title = "A small policy"',
            'title = "A small policy"\ngrace_hours = 2',
            (
                "version",
                "grace_hours",
                "changes",
                "cited evidence may take 2 h to become known; the access is pending meanwhile",
            ),
        ),
    ],
)
def test_each_difference_is_told_with_what_it_means(old: str, new: str, change: tuple[str, ...]) -> None:
    """Who may no longer, and who needs more: not which line of a file changed."""
    *place, meaning = change
    found = [one for one in compare(BASE, document(changed(old, new))) if [*one[:3]] == place]
    assert [one.meaning for one in found if one.meaning.startswith(meaning)]


def test_a_change_back_opens_what_it_closed() -> None:
    """Nothing is one-sided."""
    after = document(changed('evidence = "complaint"', 'evidence = "complaint"\nactions = ["listen"]'))
    (back,) = compare(after, BASE)
    assert (back.effect, back.before, back.after) == ("opens", "listen", "all")
    assert back.meaning.startswith("employees may now download, read,")
    assert back.meaning.endswith(": everything")


def test_the_order_of_clauses_matters_where_both_are_open_to_an_actor() -> None:
    """Where nothing is declared, the first that explains the access counts."""
    answer = COMPLAINT.replace("resolve", "answer")
    before = document(changed(COMPLAINT, COMPLAINT + answer))
    after = document(changed(COMPLAINT, answer + COMPLAINT))
    (moved,) = compare(before, after)
    assert (moved.part, moved.field, moved.before, moved.after) == (
        "access.answer-complaint",
        "order",
        "after access.resolve-complaint",
        "before access.resolve-complaint",
    )


def test_the_second_version_differs_in_every_way_that_a_version_can() -> None:
    """Or the tests of versioning would leave one out. `policy` differs in no installation."""
    fields = {change.field for change in compare(FIRST.document, SECOND.document)}
    assert fields == {
        "version",
        "title",
        "effective_from",
        "grace_hours",
        "clause",
        "id",
        "purpose",
        "quotes",
        "actors",
        "evidence",
        "evidence_found",
        "requires",
        "actions",
        "resource_types",
        "order",
        "lifted_by",
        "free",
        "standing",
    }
    clauses = {
        (one.part, one.effect) for one in compare(FIRST.document, SECOND.document) if one.field == "clause"
    }
    assert clauses == {
        ("access.train-support", "opens"),
        ("third-party.maintain-databases-servers", "closes"),
        ("legal.liability", "closes"),
    }


def test_every_change_has_a_mark_and_its_two_sides() -> None:
    """Whatever differs was one thing and is another."""
    for change in compare(FIRST.document, SECOND.document):
        assert isinstance(change, Change)
        assert change.before != change.after


def test_the_order_of_clauses_for_different_actors_does_not_matter() -> None:
    """No access could be laid to the one or the other."""
    assert compare(BASE, document(changed(COMPLAINT + VENDOR, VENDOR + COMPLAINT))) == []

"""Whether the parts of one policy version fit together: clauses, forbid, standing, grace, passages, dates."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from earwitness.policy.clause_problems import ABOUT_THE_ACTOR, CARRY_AN_ORGANIZATION
from earwitness.policy.precedence import Beaten, beaten_clauses, explains_all_of
from earwitness.policy.problems import Problem
from models.access import ActorType
from models.fields import format_time
from models.policy import ACTORS_WITH_STANDING, PolicyDocument

LONG_GRACE_HOURS: Final = 24 * 30
"""Cited evidence that takes longer to become known is not late, it is missing."""

DATE_SLACK: Final = timedelta(days=1)
"""How far a version that is named by a date may begin from that date's midnight: time zones."""


def problems_of_version(document: PolicyDocument, file: str) -> Iterator[Problem]:
    """Name what contradicts, shadows or idles in one version."""
    yield from _place(document, file)
    yield from _date(document, file)
    for beaten in beaten_clauses(document):
        if beaten.wholly:
            yield _never_derived(document, beaten, file)
    yield from _lifting(document, file)
    yield from _free(document, file)
    yield from _standing(document, file)
    yield from _grace(document, file)
    yield from _passages(document, file)
    idle = [actor for actor in get_args(ActorType) if not any(actor in c.actors for c in document.clauses)]
    if idle:
        yield Problem(
            "note",
            file,
            "clauses",
            f"no clause is open to {' and '.join(idle)}: whatever they touch is unjustified",
        )


def _place(document: PolicyDocument, file: str) -> Iterator[Problem]:
    folders = file.split("/")[-3:-1]
    if folders and folders != [document.policy, document.version]:
        yield Problem(
            "fault",
            file,
            "version",
            f"says that it is {document.policy} {document.version}, but lies in {'/'.join(folders)}",
            f"move it to {document.policy}/{document.version}, or mend policy and version in the file",
        )


def _date(document: PolicyDocument, file: str) -> Iterator[Problem]:
    try:
        named = datetime.strptime(document.version, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return
    if abs(document.effective_from - named) > DATE_SLACK:
        yield Problem(
            "warning",
            file,
            "effective_from",
            f"begins at {format_time(document.effective_from)}, but is named {document.version}",
            "name the version by the day from which it is in effect, or mend effective_from",
        )


def _never_derived(document: PolicyDocument, beaten: Beaten, file: str) -> Problem:
    clause, by = beaten.clause, beaten.by
    what = (
        f"is never derived: {by.id} stands before it and explains, by the same evidence, all that it"
        " explains; it counts only where its purpose is declared"
    )
    twins = explains_all_of(clause, by, frozenset(document.forbid.free)) and set(by.actors) <= set(
        clause.actors
    )
    if twins:
        advice = f"tell it from {by.id} by what it requires, or join the two"
        return Problem("warning", file, clause.id, what, advice)
    return Problem(
        "note", file, clause.id, what, f"to have it derived, a new version can put it before {by.id}"
    )


def _lifting(document: PolicyDocument, file: str) -> Iterator[Problem]:
    forbid = document.forbid
    if not forbid.lifted_by:
        yield Problem(
            "warning",
            file,
            forbid.id,
            "nothing lifts it: no content may leave for anybody, be it a court or an elected application",
            "name in lifted_by the kinds of evidence that name a recipient, unless that is meant",
        )
    used = {clause.evidence for clause in document.clauses if clause.evidence_found == "cited"}
    for kind in dict.fromkeys(forbid.lifted_by):
        if kind not in used:
            yield Problem(
                "warning",
                file,
                forbid.id,
                f"lifted_by names {kind}, but no clause lets one be cited: it never lifts anything",
                f"take {kind} out of lifted_by, or add the clause that it is for",
            )
        if kind not in CARRY_AN_ORGANIZATION:
            yield Problem(
                "warning",
                file,
                forbid.id,
                f"lifted_by names {kind}, but registers name no organization in one:"
                " it lifts for no recipient",
                f"take {kind} out of lifted_by",
            )
    if len(set(forbid.lifted_by)) < len(forbid.lifted_by):
        yield Problem("warning", file, forbid.id, "names a kind twice in lifted_by", "name each once")


def _free(document: PolicyDocument, file: str) -> Iterator[Problem]:
    forbid, purposes = document.forbid, [clause.purpose for clause in document.clauses]
    if set(forbid.free) == set(purposes):
        yield Problem(
            "fault",
            file,
            forbid.id,
            "is free of every purpose that there is: it forbids nothing",
            "take out of free the purposes for which content must not leave",
        )
        return
    for clause in document.clauses:
        if clause.purpose in forbid.free and "own_content" not in clause.requires:
            yield Problem(
                "warning",
                file,
                forbid.id,
                f"is free of {clause.purpose}: for it content may leave for anybody at all",
                f"take {clause.purpose} out of free; a customer's own use alone needs no recipient named",
            )


def _standing(document: PolicyDocument, file: str) -> Iterator[Problem]:
    wanted: dict[str, str] = {
        actor: standing.evidence for standing in document.standing for actor in standing.actors
    }
    for actor, evidence in wanted.items():
        if not any(actor in clause.actors for clause in document.clauses):
            yield Problem(
                "warning",
                file,
                f"standing {evidence}",
                f"is asked of actors of type {actor}, to whom no clause is open",
                "take it out, or add the clause that they are to use",
            )
    for proof, claimed in ACTORS_WITH_STANDING.items():
        open_to = [clause for clause in document.clauses if claimed in clause.actors]
        unproven = [
            clause.id
            for clause in open_to
            if clause.evidence not in {proof, *(ABOUT_THE_ACTOR if claimed != "employee" else ())}
        ]
        if claimed not in wanted and unproven:
            yield Problem(
                "warning",
                file,
                unproven[0],
                f"is open to actors of type {claimed}, of whom no {proof} is asked:"
                " whoever claims to be one is one",
                f"add a standing with evidence {proof}",
            )


def _grace(document: PolicyDocument, file: str) -> Iterator[Problem]:
    if document.grace_hours == 0:
        yield Problem(
            "warning",
            file,
            "grace_hours",
            "is 0: an access is accused at once where its evidence is registered a moment after it",
            "give registers the time they need, as 24",
        )
    elif document.grace_hours > LONG_GRACE_HOURS:
        yield Problem(
            "warning",
            file,
            "grace_hours",
            f"is {document.grace_hours:g}: made-up evidence is called pending for"
            f" {document.grace_hours / 24:.0f} days",
            "give registers the time they need, as 24",
        )


def _passages(document: PolicyDocument, file: str) -> Iterator[Problem]:
    for number, passage in enumerate(document.passages, start=1):
        for clause in document.clauses:
            shared = [q for q in clause.quotes for words in passage.quotes if q in words or words in q]
            if shared:
                yield Problem(
                    "fault",
                    file,
                    clause.id,
                    f"stands on words of which passage {number} says that they permit no access:"
                    f" {shared[0][:80]}",
                    "quote them in one of the two places only",
                )

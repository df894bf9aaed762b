"""Whether the cases of a version try what it says: each clause's actors, requirements and restrictions."""

from collections.abc import Iterator, Sequence
from typing import Final

from earwitness.policy.cases import ReadyCase
from earwitness.policy.problems import Problem
from models.policy import Clause, PolicyDocument
from models.verdict import JUSTIFIED, Reason

REFUSED_BY: Final[dict[str, Reason]] = {
    "own_content": "actor_not_permitted",
    "lists_purpose": "evidence_wrong_purpose",
    "lists_function": "evidence_wrong_function",
    "lists_action": "evidence_wrong_function",
    "same_organization": "evidence_wrong_organization",
}
"""The reason that an access gets where a requirement is not met."""

REFUSED_WITHOUT: Final[dict[str, Reason]] = {
    "employment": "actor_not_employed",
    "affiliation": "affiliation_not_in_force",
}


def problems_of_cases(document: PolicyDocument, cases: Sequence[ReadyCase], file: str) -> Iterator[Problem]:
    """Name each actor, requirement and restriction that no case tries."""
    for clause in document.clauses:
        of_clause = [ready for ready in cases if ready.case.clause == clause.id]
        justified = {ready.event.actor_type for ready in of_clause if ready.case.verdict == JUSTIFIED}
        for actor in dict.fromkeys(clause.actors):
            if justified and actor not in justified:
                yield Problem(
                    "warning",
                    file,
                    clause.id,
                    f"has no case that must justify an access by an actor of type {actor}",
                    "add one",
                )
        reasons = {ready.case.reason for ready in of_clause}
        for what, reason in _refusals(clause):
            if reason not in reasons:
                yield Problem(
                    "warning",
                    file,
                    clause.id,
                    f"has no case that is refused by its {what}",
                    f"add one whose reason is {reason}",
                )
    reasons = {ready.case.reason for ready in cases}
    for standing in document.standing:
        reason = REFUSED_WITHOUT[standing.evidence]
        if reason not in reasons:
            yield Problem(
                "warning",
                file,
                f"standing {standing.evidence}",
                "has no case that is refused for want of it",
                f"add one whose reason is {reason}",
            )


def _refusals(clause: Clause) -> Iterator[tuple[str, Reason]]:
    for requirement in clause.requires:
        yield requirement, REFUSED_BY[requirement]
    if clause.actions:
        yield "actions", "action_not_needed"
    if clause.resource_types:
        yield "resource_types", "resource_not_needed"

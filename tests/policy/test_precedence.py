"""What is said to be never derived is never derived, whatever the access and the evidence."""

from random import Random
from typing import Any, Final

from earwitness.policy import Policy, PolicySet, judge
from earwitness.policy.precedence import beaten_clauses
from models.policy import PolicyDocument
from tests.builders import NOON, a_record, an_undeclared_access, evidence

WORLDS: Final = 8_000
ACCESSES: Final = 8
LEAST_DERIVED: Final = 400
"""Accesses that some clause explains, though another is beaten for their actor."""

REQUIREMENTS: Final = ("lists_purpose", "lists_function", "lists_action", "same_organization")
ACTIONS: Final = ("listen", "read")
TYPES: Final = ("call_recording", "sms_content")
ACTORS: Final = ("employee", "affiliate", "vendor", "service")
PURPOSES: Final = ("one", "two", "three")
KINDS: Final = ("work_order", "engagement")


class Chance:
    """Repeatable choices."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - worlds are to be repeatable, not secret

    def one(self, *values: Any) -> Any:
        return self._random.choice(values)

    def some(self, values: tuple[str, ...], share: float, least: int = 0) -> list[str]:
        chosen = [value for value in values if self._random.random() < share]
        return chosen if len(chosen) >= least else [self._random.choice(values)]


def a_document(chance: Chance) -> PolicyDocument:
    return PolicyDocument.model_validate(
        {
            "policy": "p",
            "version": "1",
            "title": "t",
            "effective_from": "2020-01-01T00:00:00Z",
            "clauses": [a_clause(chance, purpose) for purpose in PURPOSES],
            "forbid": {
                "title": "t",
                "quotes": ["q"],
                "lifted_by": chance.some(KINDS, 0.5),
                "free": chance.some(PURPOSES, 0.3),
            },
        }
    )


def a_clause(chance: Chance, purpose: str) -> dict[str, Any]:
    requires = chance.some(REQUIREMENTS, 0.25)
    if {"lists_function", "lists_action"} <= set(requires):
        requires.remove("lists_action")
    return {
        "id": purpose,
        "purpose": purpose,
        "title": "t",
        "quotes": ["q"],
        "actors": chance.some(ACTORS, 0.5, least=1),
        "evidence": chance.one(*KINDS),
        "evidence_found": chance.one("cited", "cited", "by_assignee"),
        "requires": requires,
        "actions": chance.some(ACTIONS, 0.3),
        "resource_types": chance.some(TYPES, 0.3),
    }


def some_evidence(chance: Chance) -> list[dict[str, Any]]:
    return [
        {
            "ref": f"r:{number}",
            "kind": chance.one(*KINDS),
            "customer_ids": chance.one(["acme"], ["acme"], ["globex"]),
            "assignees": chance.some(("a", "b", "c"), 0.5),
            "organization": chance.one(None, "o", "p"),
            "purposes": chance.some(PURPOSES, 0.5),
            "functions": chance.some((*PURPOSES, *ACTIONS), 0.5),
        }
        for number in range(3)
    ]


def an_actors_access(chance: Chance) -> dict[str, Any]:
    return {
        "actor_type": chance.one(*ACTORS),
        "actor_id": chance.one("a", "b"),
        "action": chance.one(*ACTIONS),
        "resource_type": chance.one(*TYPES),
        "organization": chance.one("o", "p"),
        "evidence_ref": chance.one(None, "r:0", "r:1"),
        "recipient": chance.one(None, None, "o"),
    }


def test_a_beaten_clause_is_never_derived_for_the_actors_it_is_beaten_for() -> None:
    """`policy check` and `policy show` say so, and the judge decides."""
    derived_count = 0
    for number in range(WORLDS):
        chance = Chance(f"precedence {number}")
        document = a_document(chance)
        beaten = {
            (one.clause.id, actor_type) for one in beaten_clauses(document) for actor_type in one.actors
        }
        if not beaten:
            continue
        policies = PolicySet([Policy(document, "digest")])
        registers = evidence(*(a_record(**record) for record in some_evidence(chance)))
        for _ in range(ACCESSES):
            access = an_undeclared_access(**an_actors_access(chance))
            verdict = judge(access, policies, registers, received_at=NOON, as_of=NOON)
            assert (verdict.clause, access.actor_type) not in beaten, (number, access, document)
            derived_count += verdict.derived and any(actor == access.actor_type for _, actor in beaten)
    assert derived_count >= LEAST_DERIVED

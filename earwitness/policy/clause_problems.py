"""Whether a clause can be met at all, and means what it seems to: what it contradicts in itself."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from earwitness.policy.problems import Problem, Severity
from models.access import OUTSIDERS
from models.policy import Clause

ACT_FOR_NOBODY: Final = frozenset({"employee", "service"})
"""Actor types whose accesses name no organization."""

CARRY_AN_ORGANIZATION: Final = frozenset({"engagement", "affiliation", "transfer", "legal_order", "election"})
"""Kinds of evidence that are about an organization; in registers of the others none is named."""

ABOUT_THE_ACTOR: Final = frozenset({"engagement", "affiliation", "transfer"})
"""Kinds whose organization is the actor's own, and which therefore prove nothing for anybody else's."""

LISTED_BY: Final = {
    "lists_purpose": frozenset({"work_order", "legal_order", "engagement", "election"}),
    "lists_function": frozenset({"engagement"}),
    "lists_action": frozenset({"service_account"}),
}
"""The kinds of evidence in which a register lists what a requirement asks for."""

HEARD: Final = frozenset({"call_recording", "ivr_content"})
"""What can be listened to, and transcribed."""

FOR_THE_EAR: Final = frozenset({"listen", "transcribe"})


class _Told(NamedTuple):
    severity: Severity
    what: str
    advice: str


def problems_of_clause(clause: Clause, file: str) -> Iterator[Problem]:
    """Name what keeps a clause from being met, or lets it be met by more than it says."""
    for check in (_organization, _listing, _finding, _customers, _leaving_nothing, _repeating):
        for told in check(clause):
            yield Problem(told.severity, file, clause.id, told.what, told.advice)


def _organization(clause: Clause) -> Iterator[_Told]:
    wanted = "same_organization" in clause.requires
    alone = [actor for actor in clause.actors if actor in ACT_FOR_NOBODY]
    if wanted and alone:
        whole = len(alone) == len(clause.actors)
        yield _Told(
            "fault" if whole else "warning",
            f"requires same_organization, but accesses of {_listed(alone)} name no organization:"
            f" {'nobody' if whole else 'none of them'} can meet it",
            "give them a clause of their own without same_organization, or name actors that act for one",
        )
    if wanted and clause.evidence not in CARRY_AN_ORGANIZATION:
        yield _Told(
            "warning",
            f"requires same_organization, but registers name no organization in {_a(clause.evidence)}",
            f"see to it that each {clause.evidence} names one, or drop same_organization",
        )
    if wanted and clause.evidence == "legal_order":
        yield _Told(
            "warning",
            "requires same_organization, but the organization of a legal_order is the authority that gave it",
            "drop same_organization, or ask for another kind of evidence",
        )
    outsiders = [actor for actor in clause.actors if actor in OUTSIDERS]
    if not wanted and outsiders and clause.evidence in {*ABOUT_THE_ACTOR, "election"}:
        yield _Told(
            "warning",
            f"lets {_listed(outsiders)} cite the {clause.evidence} of any other organization",
            "add same_organization to requires",
        )


def _listing(clause: Clause) -> Iterator[_Told]:
    for requirement, kinds in LISTED_BY.items():
        if requirement in clause.requires and clause.evidence not in kinds:
            yield _Told(
                "warning",
                f"requires {requirement}, which registers do not tell in {_a(clause.evidence)}:"
                f" it is known of {_listed(sorted(kinds))}",
                f"drop {requirement}, ask for another kind of evidence, or see to it that each lists it",
            )


def _finding(clause: Clause) -> Iterator[_Told]:
    found = clause.evidence_found == "by_assignee"
    if "service" in clause.actors and not found:
        yield _Told(
            "warning",
            "wants a service to cite evidence, which none does; what it does not cite need not name it",
            'set evidence_found = "by_assignee", so that the account which names the service counts',
        )
    if found and not {"lists_purpose", "lists_function", "lists_action"} & set(clause.requires):
        yield _Told(
            "warning",
            f"is met by any {clause.evidence} that names the actor, whatever it was registered for",
            "add lists_action, lists_function or lists_purpose to requires",
        )
    if clause.evidence == "service_account" and not found:
        yield _Told(
            "warning",
            "lets anybody whom it permits cite a service_account, which is there to name one service",
            'set evidence_found = "by_assignee"',
        )


def _customers(clause: Clause) -> Iterator[_Told]:
    if "customer" in clause.actors and clause.evidence != "none":
        yield _Told(
            "warning",
            "lets customers touch whatever the evidence covers, that of other customers too:"
            " own_content is not asked for",
            'give customers a clause of their own with evidence = "none" and requires = ["own_content"]',
        )


def _leaving_nothing(clause: Clause) -> Iterator[_Told]:
    actions, types = set(clause.actions), set(clause.resource_types)
    deaf = sorted(actions & FOR_THE_EAR) if types and not types & HEARD else []
    if deaf and len(deaf) == len(actions):
        yield _Told(
            "fault",
            f"permits {_listed(deaf)} alone, of {_listed(sorted(types))},"
            " which cannot be heard: nothing is left",
            f"name actions for these types, or one of the types {_listed(sorted(HEARD))}",
        )
    elif deaf:
        yield _Told(
            "warning",
            f"permits to {_listed(deaf)} what cannot be heard: {_listed(sorted(types))}",
            f"take {_listed(deaf)} out of actions",
        )
    silent = sorted(types - HEARD) if actions and actions <= FOR_THE_EAR and types & HEARD else []
    if silent:
        yield _Told(
            "warning",
            f"names {_listed(silent)}, but permits {_listed(sorted(actions))} alone,"
            " for which they are nothing",
            f"take {_listed(silent)} out of resource_types, or name an action for them",
        )


def _repeating(clause: Clause) -> Iterator[_Told]:
    for field, values in (
        ("actors", clause.actors),
        ("requires", clause.requires),
        ("actions", clause.actions),
        ("resource_types", clause.resource_types),
        ("quotes", clause.quotes),
    ):
        if len(set(values)) < len(values):
            twice = sorted({value for value in values if values.count(value) > 1})
            yield _Told("warning", f"names {_listed(twice)} twice in {field}", "name each once")


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _listed(values: Sequence[str]) -> str:
    return " and ".join(values)

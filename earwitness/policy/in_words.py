"""A policy version in the words of those who have to agree to it: who may, for what, on what evidence."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from earwitness.policy.clauses import NAMED_WHERE_DERIVED
from models.policy import Clause, Forbid, PolicyDocument, Standing

ACTORS: Final = {
    "employee": "employees",
    "affiliate": "affiliates",
    "vendor": "vendors",
    "acquirer": "acquirers of the business",
    "application": "applications",
    "customer": "customers",
    "service": "our own services",
}
"""The actor types as a sentence names them."""

KINDS: Final = {
    "complaint": "a complaint",
    "work_order": "a work order",
    "engagement": "an engagement",
    "affiliation": "an affiliation",
    "employment": "an employment",
    "service_account": "a service account",
    "legal_order": "a legal order",
    "transfer": "a transfer of the business",
    "election": "a customer's election",
}

CONTENT: Final = {
    "call_recording": "call recordings",
    "sms_content": "SMS content",
    "ivr_content": "IVR content",
    "call_detail": "call details",
    "sms_detail": "SMS details",
    "account_detail": "account details",
}

_COVERS: Final = {
    "complaint": "names the customer among its own; without customers it covers none",
    "legal_order": "names the customer among its own; without customers it covers none",
    "election": "names the customer among its own; without customers it covers none",
    "work_order": "names customers, resources or people, or it is a blank cheque and covers nothing",
}
"""What evidence of a kind must name, beyond what `COMMON` says of all."""

COMMON: Final = (
    "it was in force when the access happened, and not withdrawn by then",
    "where it names customers, resource types, resources or assignees, the access is within them",
    "the actor of the access neither stated nor entered it",
)
"""What every clause asks of evidence."""


class Words(NamedTuple):
    """One clause, line by line. `needs` is what its evidence must meet beyond `COMMON`."""

    who: str
    evidence: str
    content: str
    actions: str
    needs: tuple[str, ...]


def words_of_clause(clause: Clause) -> Words:
    """Put a clause into words that name every field."""
    return Words(
        who=", ".join(ACTORS[actor] for actor in clause.actors),
        evidence=_evidence(clause),
        content=", ".join(CONTENT[name] for name in clause.resource_types) or "every type of content",
        actions=", ".join(clause.actions) or "every action",
        needs=tuple(_needs(clause)),
    )


def words_of_forbid(forbid: Forbid) -> tuple[str, ...]:
    """Say what the forbid forbids, what lifts it, and for whom it does not hold."""
    kinds = alternatives([KINDS[kind] for kind in forbid.lifted_by])
    lifted = f"lifted where {kinds} about the recipient is the evidence of the access"
    held = "content leaves for a recipient outside: whatever else permits the access, this beats it"
    return (
        held,
        lifted if forbid.lifted_by else "nothing lifts it",
        f"it does not concern the purpose {alternatives(forbid.free)}"
        if forbid.free
        else "no purpose is free of it",
    )


def words_of_standing(standing: Standing) -> str:
    """Say what actors of a type need for any purpose."""
    if standing.evidence == "employment":
        return "once any employment is registered, an employee needs one in force"
    return "an affiliate's organization needs an affiliation in force"


def standing_of(clause: Clause, document: PolicyDocument) -> Iterator[Standing]:
    """Give what the actors of a clause need besides."""
    for standing in document.standing:
        if set(standing.actors) & set(clause.actors):
            yield standing


def words_of_grace(hours: float) -> str:
    """Say how long cited evidence is waited for."""
    if hours == 0:
        return "cited evidence that is not registered yet is not waited for"
    return f"cited evidence may take {hours:g} h to become known; the access is pending meanwhile"


def alternatives(values: Sequence[str]) -> str:
    """Join with commas and a last `or`."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}" if values else ""


def _evidence(clause: Clause) -> str:
    if clause.evidence == "none":
        return "none"
    kind = KINDS[clause.evidence]
    if clause.evidence_found == "by_assignee":
        return f"{kind} that names the actor; it need not be cited"
    if NAMED_WHERE_DERIVED & set(clause.actors):
        return f"{kind}, cited; where none is cited, one that names the actor or the actor's team"
    return f"{kind}, cited; where none is cited, any that meets every condition"


def _needs(clause: Clause) -> Iterator[str]:
    for requirement in clause.requires:
        yield requirement_in_words(requirement, clause.purpose)
    if clause.evidence in _COVERS:
        yield f"it {_COVERS[clause.evidence]}"


def requirement_in_words(requirement: str, purpose: str) -> str:
    """Say what a requirement wants."""
    return {
        "own_content": "the content is the actor's own, or that of the customer the actor works for",
        "lists_purpose": f"it lists the purpose {purpose}",
        "lists_function": f"it lists the function {purpose}",
        "lists_action": "it lists the action among its functions",
        "same_organization": "it is about the actor's own organization",
    }[requirement]

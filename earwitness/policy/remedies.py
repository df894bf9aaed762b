"""What would have justified an access, said in sentences for an auditor, a lawyer and the accused."""

from collections.abc import Callable, Mapping
from typing import Final

from models.verdict import Check

Sentence = Callable[[Check], str]


def remedy_of(check: Check) -> str:
    """Say in sentences what would have had to be otherwise for a failed check to pass, and what was found.

    A check that has no words of its own here is told as it is: what was expected, and what was found.
    """
    if check.found.startswith("it failed: "):
        return f"The check {check.name} would have had to run; {check.found}. This is a fault of ours."
    return _SENTENCES.get(check.name, _as_it_is)(check)


def _as_it_is(check: Check) -> str:
    return f"Needed: {check.expected}. Found: {check.found}."


def _evidence(check: Check) -> str:
    return check.evidence_ref or "The evidence"


def _wanted(check: Check) -> str:
    return check.expected.removeprefix("evidence ").removeprefix("that ")


def _kind(check: Check) -> str:
    wanted = _spoken(check.expected.removeprefix("evidence of kind "))
    found = _spoken(check.found.removeprefix("kind "))
    return f"The evidence would have to be {_a(wanted)}. {_evidence(check)} is {_a(found)}."


def _self_recorded(check: Check) -> str:
    return (
        f"Somebody other than the actor would have to have entered {_evidence(check)}:"
        f" nobody excuses himself. It has {check.found}."
    )


def _listed(check: Check) -> str:
    wanted = _wanted(check).removeprefix("lists ")
    found = check.found.removeprefix("purposes ").removeprefix("functions ")
    return f"{_evidence(check)} would have to list {wanted}. It lists {found}."


def _scope(check: Check) -> str:
    return (
        f"{_evidence(check)} would have to name the customers, the resources or the people it is for."
        " It names none: a blank cheque covers nothing."
    )


def _organization(check: Check) -> str:
    wanted = _wanted(check).removeprefix("about the organization ")
    found = check.found.removeprefix("organization ")
    about = "names no organization" if found == "not named" else f"is about {found}"
    return f"{_evidence(check)} would have to be about the actor's organization, {wanted}. It {about}."


def _resource_needed(check: Check) -> str:
    wanted = check.expected.removeprefix("a resource of type ")
    found = check.found.removeprefix("resource type ")
    return f"This purpose needs content of type {wanted} only. The access touched {found}."


def _action_needed(check: Check) -> str:
    wanted = check.expected.removeprefix("an action out of ")
    found = check.found.removeprefix("action ")
    return f"This purpose needs the actions {wanted} only. The access was: {found}."


def _customer(check: Check) -> str:
    wanted = _wanted(check).removeprefix("covers ")
    found = check.found.removeprefix("customers ")
    if wanted.startswith("may go"):
        return (
            "An access to many or unknown customers needs evidence that may go without customers and does."
            f" {_evidence(check)} covers: {found}."
        )
    covers = "names no customer" if found in {"none", "not restricted"} else f"covers {found}"
    return f"{_evidence(check)} would have to cover {wanted}. It {covers}."


def _resource(check: Check) -> str:
    wanted = _wanted(check).removeprefix("covers ")
    return f"{_evidence(check)} would have to cover {wanted}. It covers {check.found}."


def _in_force(check: Check) -> str:
    wanted = _wanted(check).removeprefix("in force at ")
    begin, _, end = check.found.removeprefix("in force from ").rpartition(" to ")
    until = "on, without an end" if end == "open" else f"up to {end}, which is not included"
    return (
        f"{_evidence(check)} would have to be in force when the access happened, at {wanted}."
        f" It is in force from {begin} {until}."
    )


def _withdrawn(check: Check) -> str:
    wanted = _wanted(check).removeprefix("not withdrawn by ")
    return (
        f"{_evidence(check)} would have to be not yet withdrawn when the access happened, at {wanted}."
        f" It is {check.found}."
    )


def _assigned(check: Check) -> str:
    wanted = _wanted(check).removeprefix("assigned to ")
    found = check.found.removeprefix("assignees ")
    assigned = "assigned to nobody" if found in {"none", "not restricted"} else f"assigned to {found}"
    return f"{_evidence(check)} would have to be assigned to {wanted}. It is {assigned}."


def _standing(check: Check) -> str:
    found = "The registers know of none." if check.found == "none known" else f"Known: {check.found}."
    return f"The registers would have to hold {check.expected}. {found}"


def _found(check: Check) -> str:
    ref = check.expected.removesuffix(" in a register")
    found = (
        check.found.removeprefix("not known ").replace("; ", "); it ").replace("it waited", "it is waited")
    )
    return (
        f"A register would have to know {ref}, and what it says would have to pass every check."
        f" No register knew it ({found}."
    )


def _cited(check: Check) -> str:
    kind, _, rest = check.expected.removeprefix("cited evidence of kind ").partition(", or such evidence")
    assigned = ", assigned to the actor or its team," if "assigned" in rest else ""
    return (
        f"The access would have to cite {_a(_spoken(kind))} that passes every check; or the registers would"
        f" have to hold one{assigned} that does. It cites nothing, and they hold none."
    )


def _declared(check: Check) -> str:
    purposes = check.expected.removeprefix("a declared purpose (").partition(")")[0]
    if purposes.startswith("none is open"):
        return (
            "Nothing that the actor could have declared: the policy opens no purpose to such an actor for"
            " this customer's content."
        )
    return (
        f"The actor would have to declare one of the purposes open to it ({purposes}) and cite the evidence"
        " for it; or evidence that names the actor would have to explain the access by itself. Neither is so."
    )


def _purpose_known(check: Check) -> str:
    purposes = check.expected.partition(": ")[2]
    return f"A purpose that the policy knows would have to be declared ({purposes}). Declared: {check.found}."


def _actor(check: Check) -> str:
    return f"This purpose is open to {check.expected} only. The access was made by {check.found}."


def _recipient(check: Check) -> str:
    wanted = check.expected.replace(" or derived", "")
    wanted = wanted.replace("cited evidence of kind ", "")
    kinds, _, organization = wanted.partition(" about the organization ")
    kinds = ", ".join(_spoken(kind) for kind in kinds.split(" or "))
    found = "Nothing for this access does." if check.found == "none" else f"Found: {_spoken(check.found)}."
    return (
        f"The content goes to {organization}. The evidence for this access would have to be about"
        f" {organization}, and be one of: {kinds}. {found}"
    )


def _account(check: Check) -> str:
    return f"The registers would have to hold {_spoken(check.expected)}. Found: {check.found}."


def _policy(check: Check) -> str:
    wanted = check.expected.removeprefix("a policy version effective at ")
    return (
        f"A policy version would have to be in effect when the access happened, at {wanted}."
        f" There was {check.found}."
    )


def _judge(check: Check) -> str:
    return (
        f"The judge would have to decide without failing; it failed with {check.found}."
        " This is a fault of ours."
    )


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")


def _a(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


_SENTENCES: Final[Mapping[str, Sentence]] = {
    "policy_in_effect": _policy,
    "purpose_known": _purpose_known,
    "purpose_declared": _declared,
    "actor_permitted": _actor,
    "evidence_found": _found,
    "evidence_cited": _cited,
    "recipient": _recipient,
    "account_registered": _account,
    "kind": _kind,
    "not_self_recorded": _self_recorded,
    "purpose_listed": _listed,
    "scope": _scope,
    "organization": _organization,
    "function_listed": _listed,
    "resource_needed": _resource_needed,
    "action_needed": _action_needed,
    "customer": _customer,
    "resource": _resource,
    "in_force": _in_force,
    "not_withdrawn": _withdrawn,
    "assigned": _assigned,
    "named": _assigned,
    "employed": _standing,
    "affiliated": _standing,
    "judge": _judge,
}
"""The words for each check, by its name."""

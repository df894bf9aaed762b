"""The checks that a clause can make of one piece of evidence, each with the words that explain it.

A check's `passes` decides; `expected` and `found` only put into words what it compared. Verdict and
explanation both run these same checks.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple, get_args

from earwitness.policy.access import Access
from earwitness.policy.actors import Actor
from earwitness.policy.entries import FOREVER, NEVER, Entry
from models.fields import EVERY_CUSTOMER, format_time
from models.verdict import Reason

PRECEDENCE: Final[dict[Reason, int]] = {reason: place for place, reason in enumerate(get_args(Reason))}
"""Where several checks fail, the reason with the lowest place is given."""

NEEDS_CUSTOMERS: Final = frozenset({"complaint", "legal_order", "election"})
"""Kinds that cover no customer where they name none."""

_MOST_SHOWN: Final = 5

Passes = Callable[[Access, Entry, Actor], bool]
Words = Callable[[Access, Entry, Actor], str]
Stands = Callable[[Access, Actor], bool]


class EvidenceCheck(NamedTuple):
    """One check of one piece of evidence for one access."""

    name: str
    reason: Reason
    passes: Passes
    expected: Words
    found: Words


class StandingCheck(NamedTuple):
    """One check of the actor alone: whether it is what it claims to be."""

    name: str
    reason: Reason
    passes: Stands
    expected: Callable[[Access, Actor], str]
    found: Callable[[Access, Actor], str]


def of_kind(kind: str) -> EvidenceCheck:
    """Want evidence of one kind."""
    return EvidenceCheck(
        "kind",
        "evidence_wrong_kind",
        lambda _access, entry, _actor: entry.kind == kind,
        lambda _access, _entry, _actor: f"evidence of kind {kind}",
        lambda _access, entry, _actor: f"kind {entry.kind}",
    )


def not_self_recorded() -> EvidenceCheck:
    """Want evidence that does not stem from the actor."""
    return EvidenceCheck(
        "not_self_recorded",
        "evidence_self_recorded",
        lambda _access, entry, actor: not entry.comes_from(actor.perhaps_ids),
        lambda _access, _entry, _actor: "evidence that the actor neither stated nor entered",
        lambda _access, entry, _actor: (
            f"origin {entry.origin}, recorded by {entry.recorded_by or 'nobody named'}"
        ),
    )


def lists_purpose(purpose: str) -> EvidenceCheck:
    """Want evidence that lists the purpose."""
    return EvidenceCheck(
        "purpose_listed",
        "evidence_wrong_purpose",
        lambda _access, entry, _actor: purpose in entry.purposes,
        lambda _access, _entry, _actor: f"evidence that lists the purpose {purpose}",
        lambda _access, entry, _actor: f"purposes {_shown(entry.purposes)}",
    )


def has_scope() -> EvidenceCheck:
    """Refuse a work order that names neither customers, resources nor people."""
    return EvidenceCheck(
        "scope",
        "evidence_without_scope",
        lambda _access, entry, _actor: bool(entry.customer_ids or entry.resource_ids or entry.assignees),
        lambda _access, _entry, _actor: "evidence that names customers, resources or assignees",
        lambda _access, entry, _actor: (
            "some named"
            if entry.customer_ids or entry.resource_ids or entry.assignees
            else "none named: a blank cheque"
        ),
    )


def same_organization() -> EvidenceCheck:
    """Want evidence about the actor's own organization."""
    return EvidenceCheck(
        "organization",
        "evidence_wrong_organization",
        lambda access, entry, _actor: (
            entry.organization is not None and entry.organization == access.organization
        ),
        lambda access, _entry, _actor: f"evidence about the organization {access.organization}",
        lambda _access, entry, _actor: f"organization {entry.organization or 'not named'}",
    )


def lists_function(function: str) -> EvidenceCheck:
    """Want evidence of an engagement for one function."""
    return EvidenceCheck(
        "function_listed",
        "evidence_wrong_function",
        lambda _access, entry, _actor: function in entry.functions,
        lambda _access, _entry, _actor: f"evidence that lists the function {function}",
        lambda _access, entry, _actor: f"functions {_shown(entry.functions)}",
    )


def lists_action() -> EvidenceCheck:
    """Want evidence that lists the action of the access among its functions."""
    return EvidenceCheck(
        "function_listed",
        "evidence_wrong_function",
        lambda access, entry, _actor: access.action in entry.functions,
        lambda access, _entry, _actor: f"evidence that lists the action {access.action} among its functions",
        lambda _access, entry, _actor: f"functions {_shown(entry.functions)}",
    )


def resource_needed(resource_types: Collection[str]) -> EvidenceCheck:
    """Want a resource of a type that the purpose needs."""
    return EvidenceCheck(
        "resource_needed",
        "resource_not_needed",
        lambda access, _entry, _actor: access.resource_type in resource_types,
        lambda _access, _entry, _actor: f"a resource of type {_alternatives(resource_types)}",
        lambda access, _entry, _actor: f"resource type {access.resource_type}",
    )


def action_needed(actions: Collection[str]) -> EvidenceCheck:
    """Want an action that the purpose needs."""
    return EvidenceCheck(
        "action_needed",
        "action_not_needed",
        lambda access, _entry, _actor: access.action in actions,
        lambda _access, _entry, _actor: f"an action out of {_alternatives(actions)}",
        lambda access, _entry, _actor: f"action {access.action}",
    )


def covers_customer(kind: str) -> EvidenceCheck:
    """Want evidence that covers the customer; of some kinds, evidence that names no customer covers all."""
    if kind in NEEDS_CUSTOMERS:
        return EvidenceCheck(
            "customer",
            "evidence_wrong_customer",
            lambda access, entry, _actor: access.customer_id in entry.customer_ids,
            _wanted_customer,
            lambda _access, entry, _actor: f"customers {_shown(entry.customer_ids)}",
        )
    return EvidenceCheck(
        "customer",
        "evidence_wrong_customer",
        lambda access, entry, _actor: not entry.customer_ids or access.customer_id in entry.customer_ids,
        _wanted_customer,
        lambda _access, entry, _actor: f"customers {_restriction(entry.customer_ids)}",
    )


def covers_resource() -> EvidenceCheck:
    """Want evidence that covers the resource and its type."""
    return EvidenceCheck(
        "resource",
        "evidence_wrong_resource",
        lambda access, entry, _actor: (
            (not entry.resource_types or access.resource_type in entry.resource_types)
            and (not entry.resource_ids or access.resource_id in entry.resource_ids)
        ),
        lambda access, _entry, _actor: f"evidence that covers {access.resource_type} {access.resource_id}",
        lambda _access, entry, _actor: (
            f"resource types {_restriction(entry.resource_types)};"
            f" resources {_restriction(entry.resource_ids)}"
        ),
    )


def in_force() -> EvidenceCheck:
    """Want evidence that is valid when the access happens."""
    return EvidenceCheck(
        "in_force",
        "evidence_not_in_force",
        lambda access, entry, _actor: entry.valid_from <= access.time < entry.valid_to,
        lambda access, _entry, _actor: f"evidence in force at {format_time(access.time)}",
        lambda _access, entry, _actor: f"in force {window(entry)}",
    )


def not_withdrawn() -> EvidenceCheck:
    """Want evidence that is not withdrawn by the time of the access."""
    return EvidenceCheck(
        "not_withdrawn",
        "evidence_withdrawn",
        lambda access, entry, _actor: access.time < entry.withdrawn_from,
        lambda access, _entry, _actor: f"evidence not withdrawn by {format_time(access.time)}",
        lambda _access, entry, _actor: withdrawal(entry),
    )


def assigned() -> EvidenceCheck:
    """Want evidence that names no assignees, or the actor or its team among them."""
    return EvidenceCheck(
        "assigned",
        "actor_not_assigned",
        lambda access, entry, actor: not entry.assignees or names_actor(access, entry, actor),
        lambda access, _entry, actor: (
            f"evidence assigned to {_who(access, actor)}, or to nobody in particular"
        ),
        lambda _access, entry, _actor: f"assignees {_restriction(entry.assignees)}",
    )


def named() -> EvidenceCheck:
    """Want evidence that names the actor; what nobody cited explains an access of one's people only so."""
    return EvidenceCheck(
        "named",
        "actor_not_assigned",
        names_actor,
        lambda access, _entry, actor: f"evidence assigned to {_who(access, actor)}, since it is not cited",
        lambda _access, entry, _actor: f"assignees {_shown(entry.assignees)}",
    )


def employed() -> StandingCheck:
    """Want an employee who is known to be one, once any employment is known."""
    return StandingCheck(
        "employed",
        "actor_not_employed",
        lambda access, actor: not actor.employment_known or actor.stands(access.time),
        lambda access, _actor: f"an employment of {access.actor_id} in force at {format_time(access.time)}",
        lambda access, actor: _standing(access, actor) if actor.employment_known else "no employment known",
    )


def affiliated() -> StandingCheck:
    """Want an affiliate whose organization is affiliated."""
    return StandingCheck(
        "affiliated",
        "affiliation_not_in_force",
        lambda access, actor: actor.stands(access.time),
        lambda access, _actor: (
            f"an affiliation of {access.organization} in force at {format_time(access.time)}"
        ),
        _standing,
    )


def names_actor(access: Access, entry: Entry, actor: Actor) -> bool:
    """Say whether `entry` names the actor, or a team that a register lists it in, as an assignee."""
    if not actor.ids.isdisjoint(entry.assignees):
        return True
    team = access.actor_team
    return team is not None and team in entry.assignees and actor.is_in_team(team, access.time)


def window(entry: Entry) -> str:
    """Say from when to when `entry` is valid."""
    end = "open" if entry.valid_to == FOREVER else format_time(entry.valid_to)
    return f"from {format_time(entry.valid_from)} to {end}"


def withdrawal(entry: Entry) -> str:
    """Say since when `entry` is withdrawn."""
    if entry.withdrawn_from == FOREVER:
        return "not withdrawn"
    if entry.withdrawn_from == NEVER:
        return "withdrawn, as if never given"
    return f"withdrawn from {format_time(entry.withdrawn_from)}"


def _wanted_customer(access: Access, entry: Entry, _actor: Actor) -> str:
    if access.customer_id == EVERY_CUSTOMER:
        return "evidence that may go without customers and does, for an access to many or unknown ones"
    return f"evidence that covers customer {access.customer_id}" + (
        ", by name" if entry.kind in NEEDS_CUSTOMERS else ""
    )


def _who(access: Access, actor: Actor) -> str:
    ids = _alternatives(actor.ids)
    team = access.actor_team
    if team is None:
        return ids
    listed = actor.is_in_team(team, access.time)
    return f"{ids} or team {team}" if listed else f"{ids} (no register lists the actor in team {team})"


def _standing(access: Access, actor: Actor) -> str:
    if not actor.standing:
        return "none known"
    told = [
        f"{entry.ref} {window(entry)}, {withdrawal(entry)}"
        + (", entered by the actor" if entry.comes_from(actor.perhaps_ids) else "")
        for entry in sorted(actor.standing, key=lambda entry: not entry.in_force(access.time))[:_MOST_SHOWN]
    ]
    return "; ".join(told)


def _shown(values: Collection[str]) -> str:
    return _restriction(values) if values else "none"


def _restriction(values: Collection[str]) -> str:
    if not values:
        return "not restricted"
    first = ", ".join(sorted(values)[:_MOST_SHOWN])
    return first if len(values) <= _MOST_SHOWN else f"{first} and {len(values) - _MOST_SHOWN} more"


def _alternatives(values: Collection[str]) -> str:
    return " or ".join(sorted(values))

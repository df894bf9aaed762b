"""A clause compiled to the checks it makes, in the order in which their reasons count."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from earwitness.policy import checks
from earwitness.policy.access import Access
from earwitness.policy.actors import Actor
from earwitness.policy.checks import EvidenceCheck, Passes, StandingCheck
from earwitness.policy.entries import Entry
from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.fusing import fuse
from models.fields import EVERY_CUSTOMER
from models.policy import Clause, Forbid
from models.verdict import Reason

StandingChecks = Mapping[str, Sequence[StandingCheck]]
"""What actors of a type need for any purpose."""

NAMED_WHERE_DERIVED: Final = frozenset({"employee", "affiliate"})
"""Actors whom evidence that they did not cite must name, or it explains nothing."""

MOST_RELATED: Final = 200
"""Entries of one customer, organization or actor that an explanation looks at."""


class CompiledClause:
    """One clause, ready to judge.

    `checks` are those of its evidence, `standing` those of its actors by type, in the order in which
    their reasons count: every check of the evidence comes before those of the actor's standing.
    """

    __slots__ = (
        "_standing",
        "actors",
        "by_assignee",
        "checks",
        "free",
        "id",
        "kind",
        "kind_needs_customers",
        "lifted_by",
        "own_content",
        "passes_all",
        "purpose",
        "same_organization",
        "title",
    )

    def __init__(self, clause: Clause, standing: StandingChecks, forbid: Forbid) -> None:
        self.id = clause.id
        self.purpose = clause.purpose
        self.title = clause.title
        self.actors = frozenset(clause.actors)
        self.kind: str | None = None if clause.evidence == "none" else clause.evidence
        self.by_assignee = clause.evidence_found == "by_assignee"
        self.own_content = "own_content" in clause.requires
        self.same_organization = "same_organization" in clause.requires
        self.kind_needs_customers = self.kind in checks.NEEDS_CUSTOMERS
        self.lifted_by = frozenset(forbid.lifted_by)
        self.free = clause.purpose in forbid.free
        self.checks = () if self.kind is None else _in_order(_checks_of_evidence(clause, self.kind))
        self._standing: StandingChecks = {
            actor_type: standing.get(actor_type, ()) for actor_type in clause.actors
        }
        self.passes_all: Passes = fuse(self.kind or "", self.checks, self._standing)
        """Whether evidence passes every check, the actor's standing included, but not the recipient's."""

    def is_open_to(self, access: Access) -> bool:
        """Say whether the actor is of a type, and the content of a customer, that the clause is for."""
        if access.actor_type not in self.actors:
            return False
        return not self.own_content or is_own_content(access)

    def first_failure(self, access: Access, entry: Entry, actor: Actor) -> Reason:
        """Give the reason why `entry`, which does not pass all checks, does not meet the clause."""
        for check in self.checks:
            if not check.passes(access, entry, actor):
                return check.reason
        return next(
            standing.reason
            for standing in self._standing[access.actor_type]
            if not standing.passes(access, actor)
        )

    def may_leave(self, access: Access, entry: Entry | None) -> bool:
        """Say whether the content stays, or goes to whom `entry` names as evidence can."""
        recipient = access.recipient
        if recipient is None or self.free:
            return True
        return entry is not None and entry.kind in self.lifted_by and entry.organization == recipient

    def explains(self, access: Access, entry: Entry, actor: Actor) -> bool:
        """Say whether `entry` meets every check, the recipient's included."""
        return self.passes_all(access, entry, actor) and self.may_leave(access, entry)

    def accounts(self, actor: Actor, evidence: EvidenceIndex) -> Collection[Entry]:
        """Give the records that name the actor as an assignee, in order of registration."""
        by_assignee = evidence.register(self.kind or "").by_assignee
        if len(actor.ids) == 1:
            (actor_id,) = actor.ids
            return by_assignee.under(actor_id)
        return _by_version([by_assignee.under(actor_id) for actor_id in actor.ids])

    def candidates(self, access: Access, actor: Actor, evidence: EvidenceIndex) -> Collection[Entry]:
        """Give what could explain an access that cites nothing, in order of registration.

        Looked up by the narrowest that the evidence must have in common with the access.
        """
        register = evidence.register(self.kind or "")
        customer_ids = self._customers(access)
        of_customers = [register.by_customer.under(customer_id) for customer_id in customer_ids]
        if not any(of_customers):
            return ()
        if access.actor_type in NAMED_WHERE_DERIVED:
            names = actor.names(access.actor_team, access.time)
            return _by_version([register.naming(customer_id, names) for customer_id in customer_ids])
        if self.same_organization:
            of_organization = register.by_organization.under(access.organization)
            if len(of_organization) <= sum(map(len, of_customers)):
                return of_organization
        return _by_version(of_customers)

    def related(self, access: Access, actor: Actor, evidence: EvidenceIndex) -> Collection[Entry]:
        """Give evidence that has something in common with the access, for an explanation; not all of it."""
        register = evidence.register(self.kind or "")
        found = [register.by_customer.under(customer_id) for customer_id in self._customers(access)]
        found += [register.by_assignee.under(actor_id) for actor_id in actor.ids]
        if access.organization is not None:
            found.append(register.by_organization.under(access.organization))
        return _by_version([list(islice(entries, MOST_RELATED)) for entries in found])

    def _customers(self, access: Access) -> Sequence[str]:
        """Give under which customers evidence for the access can be filed."""
        if self.kind_needs_customers or access.customer_id == EVERY_CUSTOMER:
            return (access.customer_id,)
        return (access.customer_id, EVERY_CUSTOMER)


def is_own_content(access: Access) -> bool:
    """Say whether the actor is the customer whose content it is, or one of its people."""
    customer_id = access.customer_id
    if customer_id == EVERY_CUSTOMER:
        return False
    return customer_id in (access.actor_id, access.organization)


def _by_version(found: Sequence[Collection[Entry]]) -> Collection[Entry]:
    """Join collections, each in order of registration, into one that is; each entry counts once."""
    with_entries = [entries for entries in found if entries]
    if len(with_entries) == 1:
        return with_entries[0]
    distinct = {entry.ref: entry for entries in with_entries for entry in entries}.values()
    return sorted(distinct, key=lambda entry: entry.version)


def _checks_of_evidence(clause: Clause, kind: str) -> Iterable[EvidenceCheck]:
    yield checks.of_kind(kind)
    yield checks.not_self_recorded()
    if kind == "work_order":
        yield checks.has_scope()
    if "lists_purpose" in clause.requires:
        yield checks.lists_purpose(clause.purpose)
    if "same_organization" in clause.requires:
        yield checks.same_organization()
    if "lists_function" in clause.requires:
        yield checks.lists_function(clause.purpose)
    if "lists_action" in clause.requires:
        yield checks.lists_action()
    if clause.resource_types:
        yield checks.resource_needed(clause.resource_types)
    if clause.actions:
        yield checks.action_needed(clause.actions)
    yield checks.covers_customer(kind)
    yield checks.covers_resource()
    yield checks.in_force()
    yield checks.not_withdrawn()
    yield checks.assigned()


def _in_order(made: Iterable[EvidenceCheck]) -> tuple[EvidenceCheck, ...]:
    return tuple(sorted(made, key=lambda check: checks.PRECEDENCE[check.reason]))

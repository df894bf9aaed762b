"""The checks behind a verdict, one by one, as an explanation lists them.

Every step runs the very check that the judge runs; here none is skipped because an earlier one failed.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final, NamedTuple

from earwitness.policy.access import Access
from earwitness.policy.actors import Actor
from earwitness.policy.checks import EvidenceCheck, StandingCheck, named
from earwitness.policy.clauses import NAMED_WHERE_DERIVED, CompiledClause
from earwitness.policy.compiled import Policy, first_account, first_explaining
from earwitness.policy.entries import Entry
from earwitness.policy.evidence import EvidenceIndex
from models.fields import format_time
from models.verdict import Check, Reason

NEAREST: Final = 3
"""Pieces of evidence that an explanation shows of those that do not explain an access."""


class Step(NamedTuple):
    """One check, the reason it stands for, and whether the verdict rests on it.

    What does not decide is told as well: evidence that was looked at in vain, and what an access that
    evidence explains did not declare.
    """

    reason: Reason
    check: Check
    decides: bool = True


class Question(NamedTuple):
    """What is to be explained, under which policy version, on what evidence."""

    access: Access
    actor: Actor
    policy: Policy
    evidence: EvidenceIndex
    received_at: datetime
    as_of: datetime


def steps_of(asked: Question) -> Iterator[Step]:
    """Make every check that can be made, in the order in which a reader should follow them."""
    purpose = asked.access.purpose
    clause = None if purpose is None else asked.policy.by_purpose.get(purpose)
    if purpose is None:
        yield from _undeclared(asked)
    elif clause is None:
        yield _known_purpose(asked, purpose, known=False)
        cited, found = _citation(asked)
        yield from (*found, *_recipient(asked, cited, None))
    else:
        yield _known_purpose(asked, purpose, known=True)
        yield _permitted_actor(asked, clause)
        yield from _declared(asked, clause)
    for check in asked.policy.standing.get(asked.access.actor_type, ()):
        yield _standing_step(asked, check)


def _declared(asked: Question, clause: CompiledClause) -> Iterator[Step]:
    if clause.kind is None:
        yield from _recipient(asked, None, clause)
    elif clause.by_assignee:
        yield from _by_account(asked, clause)
    elif asked.access.evidence_ref is None:
        yield from _uncited(asked, clause)
    else:
        cited, found = _citation(asked)
        yield from (*found, *_recipient(asked, cited, clause))
        if cited is not None:
            yield from _evidence_steps(asked, clause, cited)


def _undeclared(asked: Question) -> Iterator[Step]:
    access = asked.access
    derived = asked.policy.derive(access, asked.actor, asked.evidence)
    clauses = [
        clause
        for clause in asked.policy.by_actor_type.get(access.actor_type, ())
        if clause.is_open_to(access)
    ]
    purposes = ", ".join(clause.purpose for clause in clauses) or "none is open to this actor"
    wanted = f"a declared purpose ({purposes}), or evidence that explains the access without one"
    declared = Check("purpose_declared", passed=False, expected=wanted, found="none declared")
    yield Step("purpose_not_declared", declared, decides=derived is None)
    if derived is not None:
        yield from _explained(asked, *derived)
        return
    cited, found = _citation(asked)
    yield from (*found, *_recipient(asked, cited, None))
    yield from _looked_at(asked, clauses, cited)


def _uncited(asked: Question, clause: CompiledClause) -> Iterator[Step]:
    access = asked.access
    found = None
    if clause.is_open_to(access):
        found = first_explaining(clause, access, asked.actor, asked.evidence)
    people = ", assigned to the actor or its team," if access.actor_type in NAMED_WHERE_DERIVED else ""
    wanted = f"cited evidence of kind {clause.kind}, or such evidence{people} that meets every check"
    cited = Check("evidence_cited", passed=False, expected=wanted, found="none cited")
    yield Step("evidence_not_cited", cited, decides=found is None)
    if found is not None:
        yield from _explained(asked, clause, found)
        return
    yield from _recipient(asked, None, clause)
    yield from _looked_at(asked, [clause], None)


def _explained(asked: Question, clause: CompiledClause, entry: Entry | None) -> Iterator[Step]:
    source = entry.ref if entry is not None else "the actor is the customer"
    wanted = "a clause whose every check is passed"
    derived = Check("derived", passed=True, expected=wanted, found=f"{clause.id}: {source}")
    yield Step("purpose_not_declared", derived)
    yield from _recipient(asked, entry, clause)
    if entry is not None:
        yield from _evidence_steps(asked, clause, entry)


def _by_account(asked: Question, clause: CompiledClause) -> Iterator[Step]:
    access, actor = asked.access, asked.actor
    yield from _recipient(asked, None, clause)
    accounts = clause.accounts(actor, asked.evidence)
    wanted = f"a {clause.kind} that names {access.actor_id} among its assignees"
    found = ", ".join(entry.ref for entry in islice(accounts, NEAREST)) or "none"
    registered = Check("account_registered", bool(accounts), wanted, found)
    yield Step("account_not_registered", registered)
    if accounts and clause.is_open_to(access):
        met = first_account(clause, access, actor, asked.evidence)
        yield from _evidence_steps(asked, clause, met or next(iter(accounts)))


def _looked_at(asked: Question, clauses: Sequence[CompiledClause], cited: Entry | None) -> Iterator[Step]:
    """Show the evidence that comes nearest to explaining the access."""
    tried = [
        [_evidence_step(asked, check, clause, entry, decides=False) for check in _wanted(asked, clause)]
        for clause in clauses
        for entry in _nearby(asked, clause, cited)
    ]
    tried.sort(key=lambda steps: sum(not step.check.passed for step in steps))
    return chain.from_iterable(tried[:NEAREST])


def _nearby(asked: Question, clause: CompiledClause, cited: Entry | None) -> Collection[Entry]:
    if clause.kind is None:
        return ()
    if clause.by_assignee:
        return clause.accounts(asked.actor, asked.evidence)
    if asked.access.evidence_ref is None:
        return clause.related(asked.access, asked.actor, asked.evidence)
    return () if cited is None else (cited,)


def _wanted(asked: Question, clause: CompiledClause) -> Sequence[EvidenceCheck]:
    access = asked.access
    if access.evidence_ref is None and access.actor_type in NAMED_WHERE_DERIVED:
        return [named() if check.name == "assigned" else check for check in clause.checks]
    return clause.checks


def _known_purpose(asked: Question, purpose: str, *, known: bool) -> Step:
    wanted = "a purpose that the policy knows"
    if not known:
        wanted += f": {', '.join(asked.policy.by_purpose)}"
    return Step("purpose_unknown", Check("purpose_known", known, wanted, purpose))


def _permitted_actor(asked: Question, clause: CompiledClause) -> Step:
    access = asked.access
    wanted = f"an actor of type {' or '.join(sorted(clause.actors))}"
    found = f"{access.actor_type} {access.actor_id}"
    if clause.own_content:
        wanted += f" that is the customer {access.customer_id} or belongs to it"
        found += f" of {access.organization or 'no organization named'}"
    return Step("actor_not_permitted", Check("actor_permitted", clause.is_open_to(access), wanted, found))


def _citation(asked: Question) -> tuple[Entry | None, Sequence[Step]]:
    """Look up what is cited; no step where nothing is."""
    ref = asked.access.evidence_ref
    if ref is None:
        return None, ()
    cited = asked.evidence.get(ref)
    if cited is not None:
        found = f"a {cited.kind}, version {cited.version}"
    else:
        grace_ends_at = asked.received_at + asked.policy.grace
        grace = "waited for until" if asked.as_of < grace_ends_at else "was waited for until"
        found = (
            f"not known at evidence version {asked.evidence.version}; {grace} {format_time(grace_ends_at)}"
        )
    check = Check("evidence_found", cited is not None, f"{ref} in a register", found, ref)
    return cited, (Step("evidence_not_found", check),)


def _recipient(asked: Question, entry: Entry | None, clause: CompiledClause | None) -> Iterator[Step]:
    """Check where the content goes; no step where it stays."""
    access, policy = asked.access, asked.policy
    if access.recipient is None:
        return
    if clause is not None and clause.free:
        wanted = f"any recipient, for the purpose {clause.purpose}"
    else:
        kinds = " or ".join(policy.document.forbid.lifted_by)
        wanted = f"cited or derived evidence of kind {kinds} about the organization {access.recipient}"
    found = "none"
    if entry is not None:
        found = f"{entry.kind} about {entry.organization or 'no organization'}"
    passed = policy.releases(access, entry) if clause is None else clause.may_leave(access, entry)
    check = Check("recipient", passed, wanted, found, None if entry is None else entry.ref)
    yield Step("outside_transfer", check)


def _evidence_steps(asked: Question, clause: CompiledClause, entry: Entry) -> Iterator[Step]:
    return (_evidence_step(asked, check, clause, entry, decides=True) for check in clause.checks)


def _evidence_step(
    asked: Question, check: EvidenceCheck, clause: CompiledClause, entry: Entry, *, decides: bool
) -> Step:
    compared = asked.access, entry, asked.actor
    name = check.name if decides else f"looked_at.{clause.purpose}.{check.name}"
    passed, expected, found = _told(
        lambda: check.passes(*compared),
        lambda: check.expected(*compared),
        lambda: check.found(*compared),
    )
    return Step(check.reason, Check(name, passed, expected, found, entry.ref), decides)


def _standing_step(asked: Question, check: StandingCheck) -> Step:
    compared = asked.access, asked.actor
    passed, expected, found = _told(
        lambda: check.passes(*compared),
        lambda: check.expected(*compared),
        lambda: check.found(*compared),
    )
    return Step(check.reason, Check(check.name, passed, expected, found))


def _told(
    passes: Callable[[], bool], expected: Callable[[], str], found: Callable[[], str]
) -> tuple[bool, str, str]:
    """Run a check for an explanation: one that fails to run does not pass, and says so."""
    try:
        return passes(), expected(), found()
    except Exception as error:  # noqa: BLE001 - named in the explanation; the verdict is judge_error
        return False, "a check that can be made", f"it failed: {type(error).__name__}: {error}"

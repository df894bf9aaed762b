"""One policy version, compiled: it decides about accesses whose time falls under it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, get_args

from earwitness.policy.access import Access
from earwitness.policy.actors import Actor
from earwitness.policy.checks import StandingCheck, affiliated, employed
from earwitness.policy.clauses import CompiledClause
from earwitness.policy.entries import Entry
from earwitness.policy.evidence import EvidenceIndex
from models.policy import PolicyDocument, Standing
from models.verdict import (
    INDETERMINATE,
    JUSTIFIED,
    NO_SALE_OR_TRANSFER,
    PENDING,
    UNJUSTIFIED,
    Reason,
    Verdict,
)

_JUDGE_ERROR: Final[Reason] = "judge_error"


class Policy:
    """A policy version, known by its digest."""

    def __init__(self, document: PolicyDocument, digest: str) -> None:
        self.document = document
        self.digest = digest
        self.version = document.version
        self.effective_from = document.effective_from
        self.grace = timedelta(hours=document.grace_hours)
        self.standing = _standing_checks(document.standing)
        self.clauses = tuple(
            CompiledClause(clause, self.standing, document.forbid) for clause in document.clauses
        )
        self.by_purpose = {clause.purpose: clause for clause in self.clauses}
        by_actor_type: defaultdict[str, list[CompiledClause]] = defaultdict(list)
        for clause in self.clauses:
            for actor_type in clause.actors:
                by_actor_type[actor_type].append(clause)
        self.by_actor_type = dict(by_actor_type)
        self._lifted_by = frozenset(document.forbid.lifted_by)
        self._unjustified = {reason: self._without_evidence(reason) for reason in get_args(Reason)}
        self._pending = self._unjustified["evidence_not_found"]._replace(outcome=PENDING)
        self.failed = self._unjustified[_JUDGE_ERROR]._replace(outcome=INDETERMINATE)
        """The verdict where the judge could not decide."""

    def decide(  # noqa: PLR0911 - one return for each way in which an access is judged
        self, access: Access, evidence: EvidenceIndex, received_at: datetime, as_of: datetime
    ) -> Verdict:
        """Say what justifies `access`, or the first reason in the contract's order why nothing does."""
        clause = None if access.purpose is None else self.by_purpose.get(access.purpose)
        if clause is None:
            return self._without_clause(access, evidence, received_at, as_of)
        if not clause.is_open_to(access):
            return self._unjustified["actor_not_permitted"]
        if clause.kind is None:
            return self._by_ownership(clause, access)
        actor = evidence.actor(access.actor_type, access.organization, access.actor_id)
        if clause.by_assignee:
            return self._by_account(clause, access, actor, evidence)
        if access.evidence_ref is None:
            return self._uncited(clause, access, actor, evidence)
        cited = evidence.get(access.evidence_ref)
        if cited is None:
            return self._not_found(received_at, as_of)
        return self._cited(clause, access, actor, cited)

    def releases(self, access: Access, entry: Entry | None) -> bool:
        """Say whether the content of an access stays, or leaves for whom `entry` names."""
        recipient = access.recipient
        if recipient is None:
            return True
        return entry is not None and entry.kind in self._lifted_by and entry.organization == recipient

    def derive(
        self, access: Access, actor: Actor, evidence: EvidenceIndex
    ) -> tuple[CompiledClause, Entry | None] | None:
        """Find the first clause, and its earliest evidence, that explain an access without a purpose."""
        ref = access.evidence_ref
        cited = None if ref is None else evidence.get(ref)
        for clause in self.by_actor_type.get(access.actor_type, ()):
            if not clause.is_open_to(access):
                continue
            if clause.kind is None:
                if clause.may_leave(access, None):
                    return clause, None
                continue
            if clause.by_assignee:
                found = first_account(clause, access, actor, evidence)
            elif ref is None:
                found = first_explaining(clause, access, actor, evidence)
            else:
                found = cited if cited is not None and clause.explains(access, cited, actor) else None
            if found is not None:
                return clause, found
        return None

    def _without_clause(
        self, access: Access, evidence: EvidenceIndex, received_at: datetime, as_of: datetime
    ) -> Verdict:
        if access.purpose is not None:
            return self._unjustified["purpose_unknown"]
        actor = evidence.actor(access.actor_type, access.organization, access.actor_id)
        derived = self.derive(access, actor, evidence)
        if derived is not None:
            return self._justified(*derived, "derived")
        ref = access.evidence_ref
        cited = None if ref is None else evidence.get(ref)
        if ref is not None and cited is None:
            return self._not_found(received_at, as_of)
        released = self.releases(access, cited)
        return self._unjustified["purpose_not_declared" if released else "outside_transfer"]

    def _by_ownership(self, clause: CompiledClause, access: Access) -> Verdict:
        if not clause.may_leave(access, None):
            return self._unjustified["outside_transfer"]
        return self._justified(clause, None, "clause_met")

    def _cited(self, clause: CompiledClause, access: Access, actor: Actor, cited: Entry) -> Verdict:
        if not clause.may_leave(access, cited):
            return self._unjustified["outside_transfer"]
        if clause.passes_all(access, cited, actor):
            return self._justified(clause, cited, "clause_met")
        return self._unjustified[clause.first_failure(access, cited, actor)]

    def _uncited(
        self, clause: CompiledClause, access: Access, actor: Actor, evidence: EvidenceIndex
    ) -> Verdict:
        found = first_explaining(clause, access, actor, evidence)
        if found is None and not clause.may_leave(access, None):
            return self._unjustified["outside_transfer"]
        if found is None:
            return self._unjustified["evidence_not_cited"]
        return self._justified(clause, found, "derived")

    def _by_account(
        self, clause: CompiledClause, access: Access, actor: Actor, evidence: EvidenceIndex
    ) -> Verdict:
        if not clause.may_leave(access, None):
            return self._unjustified["outside_transfer"]
        accounts = clause.accounts(actor, evidence)
        for account in accounts:
            if clause.passes_all(access, account, actor):
                return self._justified(clause, account, "clause_met")
        first = next(iter(accounts), None)
        if first is None:
            return self._unjustified["account_not_registered"]
        return self._unjustified[clause.first_failure(access, first, actor)]

    def _not_found(self, received_at: datetime, as_of: datetime) -> Verdict:
        in_grace = as_of < received_at + self.grace
        return self._pending if in_grace else self._unjustified["evidence_not_found"]

    def _justified(self, clause: CompiledClause, entry: Entry | None, reason: Reason) -> Verdict:
        used = () if entry is None else (entry.ref,)
        # A NamedTuple's own constructor takes twice as long.
        return tuple.__new__(
            Verdict, (JUSTIFIED, reason, clause.id, used, reason == "derived", self.version, self.digest)
        )

    def _without_evidence(self, reason: Reason) -> Verdict:
        clause = NO_SALE_OR_TRANSFER if reason == "outside_transfer" else None
        return Verdict(UNJUSTIFIED, reason, clause, (), False, self.version, self.digest)


def _standing_checks(standing: Sequence[Standing]) -> dict[str, list[StandingCheck]]:
    made: defaultdict[str, list[StandingCheck]] = defaultdict(list)
    for wanted in standing:
        for actor_type in wanted.actors:
            made[actor_type].append(employed() if wanted.evidence == "employment" else affiliated())
    return dict(made)


def first_explaining(
    clause: CompiledClause, access: Access, actor: Actor, evidence: EvidenceIndex
) -> Entry | None:
    """Find the earliest registered evidence that explains an access which cites none."""
    for entry in clause.candidates(access, actor, evidence):
        if clause.explains(access, entry, actor):
            return entry
    return None


def first_account(
    clause: CompiledClause, access: Access, actor: Actor, evidence: EvidenceIndex
) -> Entry | None:
    """Find the earliest registered account of the actor that explains an access."""
    for entry in clause.accounts(actor, evidence):
        if clause.may_leave(access, None) and clause.passes_all(access, entry, actor):
            return entry
    return None

"""What the actor could have declared: the clauses under which an access would have been justified."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from earwitness.policy.evidence import EvidenceIndex
from earwitness.policy.explaining import explain
from earwitness.policy.judging import judge
from earwitness.policy.versions import PolicySet
from models.access import AccessEvent
from models.verdict import JUSTIFIED, Verdict

Way = Literal["cited", "derived", "if_cited"]
"""How the evidence of an alternative would count.

cited: it is what the access cites. derived: the registers explain the access, nothing need be cited.
if_cited: the registers hold it, but the access would have had to cite it.
"""


class Alternative(NamedTuple):
    """A clause under which the access would have been justified, had `purpose` been declared.

    `evidence_ref` is None where the clause needs no evidence. Where `way` is `cited` or `if_cited` that
    ref is to be cited, else none.
    """

    clause: str
    title: str
    purpose: str
    evidence_ref: str | None
    way: Way


class _Judging(NamedTuple):
    """What an access is judged by, whatever it declares."""

    policies: PolicySet
    evidence: EvidenceIndex
    received_at: datetime
    as_of: datetime

    def verdict(self, event: AccessEvent) -> Verdict:
        return judge(event, self.policies, self.evidence, received_at=self.received_at, as_of=self.as_of)


def find_alternatives(
    event: AccessEvent,
    policies: PolicySet,
    evidence: EvidenceIndex,
    *,
    received_at: datetime,
    as_of: datetime,
) -> tuple[Alternative, ...]:
    """Give each clause that would have justified `event`, in the order of the policy; none if one does.

    Each is found by judging the event as if it had declared the clause's purpose: so whatever forbids the
    access forbids it here as well. The evidence is what the registers held, never what they might hold.
    """
    policy = policies.in_effect_at(event.time)
    judging = _Judging(policies, evidence, received_at, as_of)
    if policy is None or judging.verdict(event).outcome == JUSTIFIED:
        return ()
    return tuple(
        Alternative(clause.id, clause.title, clause.purpose, ref, way)
        for clause in policy.by_actor_type.get(event.actor_type, ())
        if (found := _under(event, clause.id, clause.purpose, judging)) is not None
        for way, ref in (found,)
    )


def declared(event: AccessEvent, alternative: Alternative) -> AccessEvent:
    """Give `event` as it would have had to be declared."""
    ref = None if alternative.way == "derived" else alternative.evidence_ref
    return _declaring(event, alternative.purpose, ref)


def _under(
    event: AccessEvent, clause_id: str, purpose: str, judging: _Judging
) -> tuple[Way, str | None] | None:
    """Say how the access would have been justified under one clause: by what it cites, if that will do."""
    for way, ref in _citations(event, purpose, judging):
        verdict = judging.verdict(_declaring(event, purpose, ref))
        if verdict.outcome == JUSTIFIED and verdict.clause == clause_id:
            used = verdict.evidence_used[0] if verdict.evidence_used else None
            return ("derived" if used is None or used != ref else way), used
    return None


def _citations(event: AccessEvent, purpose: str, judging: _Judging) -> Iterator[tuple[Way, str | None]]:
    """Give what could be cited for `purpose`: what is, nothing, and what a reader would look at next."""
    if event.evidence_ref is not None:
        yield "cited", event.evidence_ref
    yield "derived", None
    uncited = explain(
        _declaring(event, purpose, None),
        judging.policies,
        judging.evidence,
        received_at=judging.received_at,
        as_of=judging.as_of,
    )
    for ref in dict.fromkeys(check.evidence_ref for check in uncited.checks):
        if ref is not None and ref != event.evidence_ref:
            yield "if_cited", ref


def _declaring(event: AccessEvent, purpose: str, evidence_ref: str | None) -> AccessEvent:
    return event.model_copy(update={"purpose": purpose, "evidence_ref": evidence_ref})

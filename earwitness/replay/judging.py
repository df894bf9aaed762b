"""Judging past accesses again, and counting what becomes of them. Pure."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from earwitness.policy import EvidenceIndex, Policy, PolicySet, judge
from earwitness.query.history import PastAccess
from models.fields import EARLIEST_TIME


class Ruling(NamedTuple):
    """What a verdict says."""

    verdict: str
    reason: str
    clause: str | None


class Transition(NamedTuple):
    """What is said of an access in the trail, and what the other policy version says of it."""

    before: Ruling
    after: Ruling

    @property
    def changes_verdict(self) -> bool:
        """Whether the verdict becomes another one, not only its reason or clause."""
        return self.before.verdict != self.after.verdict


class Change(NamedTuple):
    """An access whose verdict changes."""

    id: str
    source: str
    time: datetime
    actor_type: str
    actor_id: str
    customer_id: str
    transition: Transition


class Judged(NamedTuple):
    """What became of some accesses: how many took which way, and those whose verdict changes."""

    transitions: Counter[Transition]
    changes: Sequence[Change]


class Bench:
    """One policy version, the evidence and an instant, by which accesses are judged again."""

    def __init__(self, policy: Policy, evidence: EvidenceIndex, as_of: datetime) -> None:
        self._policies = PolicySet([in_effect_always(policy)])
        self._evidence = evidence
        self._as_of = as_of

    def judge(self, accesses: Iterable[PastAccess]) -> Judged:
        """Judge each access as the worker would, and compare."""
        policies, evidence, as_of = self._policies, self._evidence, self._as_of
        transitions: Counter[Transition] = Counter()
        changes = []
        for access in accesses:
            verdict = judge(access, policies, evidence, received_at=access.received_at, as_of=as_of)
            before = Ruling(access.verdict, access.reason, access.clause)
            after = Ruling(verdict.outcome, verdict.reason, verdict.clause)
            transition = Transition(before, after)
            transitions[transition] += 1
            if before.verdict != after.verdict:
                changes.append(_change(access, transition))
        return Judged(transitions, changes)


def in_effect_always(policy: Policy) -> Policy:
    """Give the same version, in effect since before the first access that the trail can hold."""
    document = policy.document.model_copy(update={"effective_from": EARLIEST_TIME})
    return Policy(document, policy.digest)


def newest(changes: Iterable[Change], count: int) -> list[Change]:
    """Give the newest changes by event time, newest first; the same ones in whatever order they come."""
    return heapq.nlargest(count, changes, key=lambda change: (change.time, change.id, change.source))


def _change(access: PastAccess, transition: Transition) -> Change:
    return Change(
        access.id,
        access.source,
        access.time,
        access.actor_type,
        access.actor_id,
        access.customer_id,
        transition,
    )

"""Which kinds of evidence an access could have used, and so which registers its verdict leans on.

A verdict leans on a register whatever it says: an access is unjustified where a ticket is not known,
and justified where it is not known that the ticket was withdrawn.
"""

from collections.abc import Sequence
from typing import Final

from earwitness.policy.access import Access
from earwitness.policy.actors import IDENTIFIED_BY
from earwitness.policy.compiled import Policy
from earwitness.policy.versions import PolicySet
from models.registers import RegisterState

_NONE: Final[frozenset[str]] = frozenset()


def kinds_used(policy: Policy, actor_type: str, purpose: str | None) -> frozenset[str]:
    """Give the kinds of evidence on which the verdict about such an access can depend.

    Those of the clauses open to the actor, or of the one behind the declared purpose, and with them
    those that say who the actor is and that it stands. Empty where no evidence would change the verdict.
    """
    kinds = {
        clause.evidence
        for clause in policy.document.clauses
        if actor_type in clause.actors and clause.evidence != "none" and purpose in (None, clause.purpose)
    }
    if not kinds:
        return _NONE
    standing = {wanted.evidence for wanted in policy.document.standing if actor_type in wanted.actors}
    identity = {IDENTIFIED_BY[actor_type]} if actor_type in IDENTIFIED_BY else set()
    return frozenset(kinds | standing | identity)


class Staleness:
    """Says of each access which of the registers that are overdue its verdict leans on.

    Made anew for each batch, so what it remembers is bounded by the batch.
    """

    def __init__(self, policies: PolicySet, overdue: Sequence[RegisterState]) -> None:
        self._policies = policies
        self._overdue = overdue
        self._known: dict[tuple[str, str, str | None], tuple[str, ...]] = {}

    def of(self, access: Access) -> tuple[str, ...]:
        """Name those registers, by name; none where nothing is overdue or no policy was in effect."""
        if not self._overdue:
            return ()
        policy = self._policies.in_effect_at(access.time)
        if policy is None:
            return ()
        key = (policy.digest, access.actor_type, access.purpose)
        found = self._known.get(key)
        if found is None:
            kinds = kinds_used(policy, access.actor_type, access.purpose)
            found = tuple(state.name for state in self._overdue if not kinds.isdisjoint(state.kinds))
            self._known[key] = found
        return found

"""All checks of a clause as one question: whether evidence passes every one of them.

Most accesses are justified, so most often the judge only needs a yes. Calling the checks one by one for
it takes several times as long as what they compare. The checks that every clause makes are therefore
written out here once more, as one expression; where the answer is no, the checks themselves say why.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from earwitness.policy.access import Access
from earwitness.policy.actors import Actor
from earwitness.policy.checks import NEEDS_CUSTOMERS, EvidenceCheck, Passes, StandingCheck, names_actor
from earwitness.policy.entries import ACTOR_STATEMENT, Entry

WRITTEN_OUT: Final = frozenset(
    {"kind", "not_self_recorded", "customer", "resource", "in_force", "not_withdrawn", "assigned"}
)
"""Names of the checks that every clause with evidence makes."""


def fuse(
    kind: str, checks: Sequence[EvidenceCheck], standing: Mapping[str, Sequence[StandingCheck]]
) -> Passes:
    """Make one function that passes exactly where every one of these checks does.

    `checks` are those of a clause whose evidence is of `kind`; `standing` holds, by type of actor,
    those of its actors. The function must be asked about actors of these types only.
    """
    covers_all_where_none_named = kind not in NEEDS_CUSTOMERS
    others = tuple(check.passes for check in checks if check.name not in WRITTEN_OUT)
    stands_by_type = {
        actor_type: tuple(check.passes for check in of_type) for actor_type, of_type in standing.items()
    }

    def passes_all(access: Access, entry: Entry, actor: Actor) -> bool:
        time = access.time
        if not (
            entry.kind == kind
            and entry.recorded_by not in actor.perhaps_ids
            and entry.origin != ACTOR_STATEMENT
            and (
                access.customer_id in entry.customer_ids
                or (covers_all_where_none_named and not entry.customer_ids)
            )
            and (not entry.resource_types or access.resource_type in entry.resource_types)
            and (not entry.resource_ids or access.resource_id in entry.resource_ids)
            and entry.valid_from <= time < entry.valid_to
            and time < entry.withdrawn_from
            and (
                not entry.assignees or access.actor_id in entry.assignees or names_actor(access, entry, actor)
            )
        ):
            return False
        for passes in others:
            if not passes(access, entry, actor):
                return False
        for stands in stands_by_type[access.actor_type]:  # noqa: SIM110 - all() takes three times as long
            if not stands(access, actor):
                return False
        return True

    return passes_all

"""The finding: what is told of an access that nothing justifies, once its row is stored."""

from datetime import datetime
from typing import Any, Literal, NamedTuple, Self

FindingKind = Literal["unjustified", "pending", "indeterminate", "id_conflict", "inconsistent"]


class Finding(NamedTuple):
    """Something that somebody should look at, mostly one access: ids and a reason, no content.

    Source: topic `access.findings.v1`, keyed by `id`, published at least once after the row is
    stored; `position`, `kind` and `evidence_version` identify it. `evidence_version` is set where the
    access was judged again: the version of the registers that the new verdict rests on. `id_conflict`
    tells of an event that claims the identity of a stored access for something else; that event is a
    dead letter. `stale_registers` names registers that were overdue when the access was judged: evidence
    may exist that could not count yet.

    `inconsistent` tells of no single access but of the trail: `reason` says what is lost or doubled,
    `resource_id` where, `first` to `last` and `size` how much, `detail` what was seen. Its `id` stays the
    same however often it is found; `customer_id` is `*`, and nobody is its actor.
    """

    kind: FindingKind
    id: str
    source: str
    time: datetime
    actor_type: str
    actor_id: str
    customer_id: str
    resource_type: str
    resource_id: str
    reason: str
    clause: str
    position: str
    evidence_version: int | None = None
    stale_registers: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None
    size: int | None = None
    detail: str | None = None

    @classmethod
    def about(  # noqa: PLR0913 - what a verdict says, each by its name
        cls,
        event: Any,  # noqa: ANN401 - any carrier of an event's attributes
        *,
        kind: FindingKind,
        reason: str,
        clause: str | None,
        position: str,
        evidence_version: int | None = None,
    ) -> Self:
        """Tell of one event (attributes of AccessEvent)."""
        return cls(
            kind=kind,
            id=event.id,
            source=event.source,
            time=event.time,
            actor_type=event.actor_type,
            actor_id=event.actor_id,
            customer_id=event.customer_id,
            resource_type=event.resource_type,
            resource_id=event.resource_id,
            reason=reason,
            clause=clause or "",
            position=position,
            evidence_version=evidence_version,
        )

"""What the demo promises about an access: its label, given by the scenario that made it."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from models.evidence import EvidenceRecord
from models.verdict import JUSTIFIED, NO_SALE_OR_TRANSFER, PENDING, UNJUSTIFIED, Outcome, Reason

Event: TypeAlias = dict[str, str | int]
"""An access event as its JSON object, absent fields left out."""


class Label(NamedTuple):
    """The verdict, reason and clause that the judge must come to."""

    verdict: Outcome
    reason: Reason
    clause: str | None


class LabelledAccess(NamedTuple):
    """One access of the day, with the kind of scene it belongs to and the verdict it must get."""

    event: Event
    kind: str
    label: Label

    @property
    def id(self) -> str:
        """The access's id, as text."""
        return str(self.event["id"])

    def to_json(self) -> bytes:
        """Write the event as it travels on Kafka."""
        return json.dumps(self.event, separators=(",", ":")).encode()


class Scene(NamedTuple):
    """What one play of a scenario adds to the day."""

    evidence: Sequence[EvidenceRecord]
    accesses: Sequence[tuple[Event, Label]]


PENDING_EVIDENCE: Final = Label(PENDING, "evidence_not_found", None)
OUTSIDE_TRANSFER: Final = Label(UNJUSTIFIED, "outside_transfer", NO_SALE_OR_TRANSFER)


def met(clause: str) -> Label:
    """Label an access that declares and cites all that `clause` asks for."""
    return Label(JUSTIFIED, "clause_met", clause)


def derived(clause: str) -> Label:
    """Label an access that says too little, but that evidence explains under `clause`."""
    return Label(JUSTIFIED, "derived", clause)


def unjustified(reason: Reason) -> Label:
    """Label a misuse that no clause covers."""
    return Label(UNJUSTIFIED, reason, None)

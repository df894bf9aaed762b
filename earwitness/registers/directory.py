"""A directory tells everybody who is here now: who is missing has left.

A record has one interval, and the newest record of a ref replaces older ones. So somebody who comes
back is told under a ref of that stay's own, `staff:e-1@20260301T000000Z`: under the old ref either the
first stay would be forgotten, or the time between the two would look employed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from earwitness.registers.config import Register, Registers
from earwitness.registers.plan import Held, Plan, Step, change_of, is_over
from models.evidence import EvidenceKind, EvidenceRecord

DIRECTORY_ORIGIN: Final = "register"
LARGEST_SHARE_PERCENT: Final = 20
"""How many of all people may leave between two files before somebody must say that it is so."""

_STAY = re.compile(r"(?P<base>.*)@[0-9]{8}T[0-9]{6}Z")


class Directory(NamedTuple):
    """Which records a file is the whole truth about, and the instant at which it is read."""

    kind: EvidenceKind
    ref_prefix: str
    at: datetime
    dated: bool
    """Whether the file says since when; else a record begins when it is first seen."""


def objection_to(directory: Directory, register: Register | None, known: Registers) -> str | None:
    """Say why a file must not be taken for the whole truth about these records, None where it may.

    Who is missing from it is withdrawn. So `register`, as which it is told, must be allowed to tell of
    every one of them; and of none of them may another directory tell, for he would be missing here.
    """
    beyond = None if register is None else register.objection_to_any(directory.kind, directory.ref_prefix)
    if beyond is not None:
        return f"{beyond[1]}, and a sync withdraws whoever is missing under {directory.ref_prefix}…"
    for other in known.registers:
        inside = [
            prefix
            for prefix in other.ref_prefixes
            if prefix.startswith(directory.ref_prefix) and prefix != directory.ref_prefix
        ]
        is_directory = other.webhook is None and directory.kind in other.kinds
        if inside and is_directory and other != register:
            return (
                f"a sync withdraws whoever is missing under {directory.ref_prefix}…, and register"
                f" {other.name} tells of {inside[0]}…; give each directory a prefix of its own"
            )
    return None


class Leavers(NamedTuple):
    """Who would be withdrawn, out of how many that are here by what is held."""

    leaving: int
    listed: int

    def objection(
        self, allowed: int | None, largest_share_percent: int = LARGEST_SHARE_PERCENT
    ) -> str | None:
        """Say why so many are not withdrawn without a word, None where they may be."""
        if not self.leaving or (allowed is not None and self.leaving <= allowed):
            return None
        if self.leaving == self.listed:
            why = f"all {self.listed} would be withdrawn"
        elif 100 * self.leaving > largest_share_percent * self.listed:
            why = f"{self.leaving} of {self.listed} would be withdrawn, more than {largest_share_percent} %"
        else:
            return None
        return f"{why}; if they have left, say --allow-withdrawals {self.leaving}"


class SyncPlan(NamedTuple):
    """What a file changes: who is here, and who has left."""

    present: Plan
    left: Plan
    leavers: Leavers


def sync_plan(told: Sequence[EvidenceRecord], held: Mapping[str, Held], directory: Directory) -> SyncPlan:
    """Say what a file of everybody changes."""
    stays = _stays(held.values(), directory)
    present = [_step(record, stays.get(record.ref, ()), directory) for record in told]
    here = {step.record.ref for step in present}
    listed = [
        one.record
        for one in held.values()
        if _is_ours(one.record, directory) and not is_over(one.record, directory.at)
    ]
    left = [
        Step("withdrawn", _withdrawn(record, directory.at)) for record in listed if record.ref not in here
    ]
    return SyncPlan(present, left, Leavers(len(left), len(listed)))


def _is_ours(record: EvidenceRecord, directory: Directory) -> bool:
    return (
        record.kind == directory.kind
        and record.ref.startswith(directory.ref_prefix)
        and record.origin == DIRECTORY_ORIGIN
    )


def _stays(held: Iterable[Held], directory: Directory) -> dict[str, list[Held]]:
    """Sort what is held by whom it is about; a later stay is about the same person."""
    found: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        if one.record.ref.startswith(directory.ref_prefix):
            later = _STAY.fullmatch(one.record.ref)
            found[one.record.ref].append(one)
            if later is not None:
                found[later["base"]].append(one)
    return found


def _step(record: EvidenceRecord, stays: Sequence[Held], directory: Directory) -> Step:
    """Find which stay a row tells of: the open one, the last one if that goes on, or a new one."""
    if not stays:
        return Step("new", record)
    open_now = [one for one in stays if not is_over(one.record, directory.at)]
    last = max(open_now or stays, key=lambda one: one.version)
    if open_now or _goes_on(record, last.record, directory):
        begin = record.valid_from if directory.dated else last.record.valid_from
        same = record.model_copy(update={"ref": last.record.ref, "valid_from": begin})
        return Step(change_of(same, last), same)
    stay = record.model_copy(update={"ref": f"{record.ref}@{record.valid_from:%Y%m%dT%H%M%SZ}"})
    return Step("returned", stay)


def _goes_on(record: EvidenceRecord, last: EvidenceRecord, directory: Directory) -> bool:
    """Say whether a row is about a stay that is over, by what the file says of its begin."""
    ended = min((end for end in (last.withdrawn_at, last.valid_to) if end is not None), default=None)
    same = record.valid_from == last.valid_from or ended is None or record.valid_from < ended
    return directory.dated and same


def _withdrawn(record: EvidenceRecord, at: datetime) -> EvidenceRecord:
    return record.model_copy(update={"status": "withdrawn", "withdrawn_at": at})

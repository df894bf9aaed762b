"""Registers and their heartbeats: whether the evidence that they would tell of can be missing."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .evidence import EvidenceKind

LONGEST_INTERVAL_S: Final = 31 * 24 * 3600
"""A register that is silent for longer than a month is no register that freshness can be asked of."""

MOST_REGISTERS: Final = 1_000
"""Registers that may be known at once; an installation has a handful."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_register_name(text: str) -> str:
    """Refuse what could not stand in a query, a path and a metric's label alike."""
    if _NAME.fullmatch(text) is None:
        msg = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', as hr-directory"
        raise ValueError(msg)
    return text


RegisterName = Annotated[str, AfterValidator(check_register_name)]
"""As `zendesk` or `hr-directory`."""

RegisterKinds = Annotated[tuple[EvidenceKind, ...], Field(min_length=1)]
IntervalS = Annotated[int, Field(ge=1, le=LONGEST_INTERVAL_S)]


class Heartbeat(BaseModel):
    """What a register says with each beat: that it works, what it tells of, and when to expect the next.

    `every_s` is the register's own promise, so it chooses an interval with slack: it is overdue as soon
    as that has passed without another beat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RegisterName
    kinds: RegisterKinds
    every_s: IntervalS


class RegisterState(NamedTuple):
    """One register by its newest beat. `every_s` is 0 where it was retired: nothing is expected of it."""

    name: str
    kinds: tuple[str, ...]
    every_s: int
    beat_at: datetime

    @property
    def retired(self) -> bool:
        """Whether it was taken out of service, so that its silence means nothing."""
        return self.every_s == 0

    def overdue_s(self, at: datetime) -> float:
        """Give by how many seconds its next beat is overdue at `at`; 0 where it is not."""
        if self.retired:
            return 0.0
        return max(0.0, (at - self.beat_at - timedelta(seconds=self.every_s)).total_seconds())


def overdue(states: Iterable[RegisterState], at: datetime) -> tuple[RegisterState, ...]:
    """Give the registers from which a beat should have come by `at` and has not, by name.

    One that never beat is in no state, so never overdue: nothing was promised.
    """
    return tuple(sorted(state for state in states if state.overdue_s(at) > 0))

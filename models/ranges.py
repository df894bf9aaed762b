"""Ranges of offsets: the unit in which accesses are judged, stored and accounted for."""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple, Self

from .errors import ConfigurationError

_INTENT = re.compile(r"v1 (?P<first>[0-9]+)-(?P<last>[0-9]+) (?P<day>\d{4}-\d{2}-\d{2}) (?P<attempt>[0-9]+)")


class Range(NamedTuple):
    """The records `first` to `last` of one partition, stored as one block or not at all.

    `day` is the day of the broker's timestamp of record `first`, and the store's partition of every
    row. `attempt` counts up only where the store remembers the block but not its rows.
    """

    topic: str
    partition: int
    first: int
    last: int
    day: date
    attempt: int = 1

    @property
    def name(self) -> str:
        """The name of the range, whichever attempt stores it."""
        return f"{self.topic}:{self.partition}:{self.first}-{self.last}"

    @property
    def token(self) -> str:
        """The name under which the store recognises a second insert of the same block."""
        return f"{self.name}:{self.attempt}"

    @property
    def intent(self) -> str:
        """The commit metadata that announces this range before it is stored."""
        return f"v1 {self.first}-{self.last} {self.day.isoformat()} {self.attempt}"

    def again(self) -> Self:
        """Name the next attempt at the same range."""
        return self._replace(attempt=self.attempt + 1)

    @classmethod
    def from_intent(cls, topic: str, partition: int, intent: str) -> Self | None:
        """Read the metadata of a commit: the announced range, or None where none is under way.

        Raises `ConfigurationError` where the metadata is not ours: another program commits for this
        consumer group, or a newer version of this one did.
        """
        if not intent:
            return None
        found = _INTENT.fullmatch(intent)
        if found is None:
            raise ConfigurationError(
                [f"{topic}/{partition}: the group's commit says {intent!r}, which this version cannot read"]
            )
        day = date.fromisoformat(found["day"])
        return cls(topic, partition, int(found["first"]), int(found["last"]), day, int(found["attempt"]))


def day_of(timestamp_ms: int) -> date:
    """Give the UTC day of a broker timestamp."""
    return datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC).date()

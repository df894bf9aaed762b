"""Pages of stored accesses: the unit in which verdicts are given again."""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple, Self

from .errors import ConfigurationError
from .fields import microseconds

_INTENT = re.compile(
    r"p1 (?P<day>\d{4}-\d{2}-\d{2}) (?P<judged_at>[0-9]+) (?P<id>[0-9a-f-]{36}) (?P<source>\S+)"
)


class Page(NamedTuple):
    """New verdicts of accesses of one day, stored as one block or not at all.

    `day` is the day on which the accesses were received, and the store's partition of every row;
    `judged_at` is the instant of all these verdicts, and no other page's; `id` and `source` name the
    first of the accesses.
    """

    day: date
    judged_at: datetime
    id: str
    source: str

    @property
    def token(self) -> str:
        """The name under which the store recognises a second insert of the same block."""
        return f"again:{microseconds(self.judged_at)}:{self.id}:{self.source}"

    @property
    def intent(self) -> str:
        """The commit metadata that announces this page before it is stored."""
        return f"p1 {self.day.isoformat()} {microseconds(self.judged_at)} {self.id} {self.source}"

    @classmethod
    def from_intent(cls, intent: str) -> Self | None:
        """Read the metadata of a commit: the announced page, or None where none is under way.

        Raises `ConfigurationError` where the metadata is not ours.
        """
        if not intent:
            return None
        found = _INTENT.fullmatch(intent)
        if found is None:
            raise ConfigurationError(
                [f"the group's commit on the evidence says {intent!r}, which this version cannot read"]
            )
        seconds, rest = divmod(int(found["judged_at"]), 1_000_000)
        judged_at = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
        return cls(date.fromisoformat(found["day"]), judged_at, found["id"], found["source"])

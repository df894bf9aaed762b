"""One difference between two versions of a policy, in the form in which it is told."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Effect = Literal["opens", "closes", "changes", "words"]
"""opens: more accesses can be justified. closes: fewer can. changes: others can. words: the same ones can."""


class Change(NamedTuple):
    """What one field of one part said before and says after; empty where the part was not, or is no more."""

    part: str
    """A clause by its new id, `no-sale-or-transfer`, `standing employment`, `version` or `passages`."""
    field: str
    effect: Effect
    before: str
    after: str
    meaning: str
    """What follows for those who touch content, as a sentence; empty where nothing does."""


def added_and_removed(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give what only `after` holds, and what only `before` holds."""
    return [one for one in after if one not in before], [one for one in before if one not in after]


def listed(values: Sequence[str]) -> str:
    """Join with commas and a last `and`."""
    if len(values) < 2:
        return "".join(values)
    return f"{', '.join(values[:-1])} and {values[-1]}"

"""A saved search: a query of the trail that somebody keeps under a name."""

from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import StringConstraints

LONGEST_NAME: Final = 64
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
SearchName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""Begins with a lower-case letter or a digit, so that no shell and no option parser stumbles over it."""

MOST_SEARCHES: Final = 1_000


class SavedSearch(NamedTuple):
    """A query under a name, who saved it last, and when. Relative times in it stay relative."""

    name: str
    query: str
    saved_at: datetime
    saved_by: str

"""A saved search: a query of the trail that somebody keeps under a name."""

import re
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_search_name(text: str) -> str:
    """Refuse what a shell, an option parser or a path could stumble over."""
    if _NAME.fullmatch(text) is None:
        msg = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and begin with a letter or a digit"
        raise ValueError(msg)
    return text


SearchName = Annotated[
    str, AfterValidator(check_search_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})
]
"""As `vendors-last-week`."""

MOST_SEARCHES: Final = 1_000


class SavedSearch(NamedTuple):
    """A query under a name, who saved it last, and when. Relative times in it stay relative."""

    name: str
    query: str
    saved_at: datetime
    saved_by: str

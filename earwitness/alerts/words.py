"""What people write about an alert: any text but content. No telephone number may get in by it."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

LONGEST_TEXT: Final = 2_000
_FEWEST_DIGITS: Final = 8
_MOST_DIGITS: Final = 15
_NUMBER: Final = re.compile(r"\+[ ().\-/]{0,3}[0-9](?:[ ().\-/]{0,3}[0-9])*")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def check_text(text: str) -> str:
    """Refuse a text with a telephone number or control characters in it. Raises ValueError.

    The contract knows one by its plus and 8 to 15 digits; people also put spaces, dots or dashes between.
    """
    if _UNSEEN.search(text):
        msg = "holds characters that nobody can see"
        raise ValueError(msg)
    for found in _NUMBER.finditer(text):
        if _FEWEST_DIGITS <= sum(one.isdigit() for one in found[0]) <= _MOST_DIGITS:
            msg = "holds a telephone number; name the customer or the ticket instead"
            raise ValueError(msg)
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
    AfterValidator(check_text),
]
"""A note, a reason, an explanation."""

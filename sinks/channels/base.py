"""What a channel is, and what it says of a try."""

from typing import Final, NamedTuple, Protocol

from models.alerts import Notice
from models.errors import ChannelRejected, ChannelUnavailable

LONGEST_TRY_S: Final = 10.0
"""A try takes no longer, whatever the other side does: hangs, or answers a byte a second."""

MOST_OF_ANSWER: Final = 200
"""Characters of an answer that are kept as evidence."""

AGAIN: Final = frozenset({408, 425, 429})
"""Statuses of HTTP below 500 that mean: later."""


class Receipt(NamedTuple):
    """What was answered to a notice that was taken: a status of HTTP or SMTP, and its first words."""

    code: int
    answer: str


class Channel(Protocol):
    """One way to tell somebody. `send` may be called again with a notice that was taken before."""

    name: str

    def send(self, notice: Notice) -> Receipt:
        """Tell it, within `LONGEST_TRY_S`.

        Raises `ChannelUnavailable` (try again), or `ChannelRejected`: with a code the other side refused it
        as things are; without one nobody was asked, and nobody can be over this channel.
        """


def judged(code: int, answer: str, retry_after: str | None = None) -> Receipt:
    """Make of an answer of HTTP what `send` gives or raises. A redirect is never followed."""
    said = first_words(answer)
    if 200 <= code < 300:
        return Receipt(code, said)
    if code >= 500 or code in AGAIN:
        raise ChannelUnavailable(f"answered {code}", code, said, _seconds(retry_after))
    if 300 <= code < 400:
        raise ChannelRejected(
            f"answered {code}, a redirect; none is followed: configure the final URL", code, said
        )
    raise ChannelRejected(f"answered {code}", code, said)


def first_words(answer: str) -> str:
    """Give what of an answer is kept: printable, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in answer[: 4 * MOST_OF_ANSWER]).split())[
        :MOST_OF_ANSWER
    ]


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None

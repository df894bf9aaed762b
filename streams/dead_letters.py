"""Refused records on their way to the dead-letter topic, bytes untouched."""

from typing import Final

from models.dead_letter import DeadLetter
from models.publisher import Message
from models.topics import DEAD_LETTERS

LARGEST_COPIED_BYTES: Final = 1_048_588
"""Key, value and headers that the topic is given at most; the store holds the bytes of larger ones too."""

CARRIED: Final = "record."
"""Before the names of the headers that the refused record came with; ours say why it was refused."""


def dead_letter_message(letter: DeadLetter) -> Message:
    """Write a dead letter as the record that is published: its own key, bytes and headers, and why.

    A record that was compressed on its way here can be larger than any topic takes: then the message
    says `truncated` and carries no bytes, rather than hold up its partition for ever.
    """
    carried = [(f"{CARRIED}{name}", value) for name, value in letter.headers]
    message = Message(
        topic=DEAD_LETTERS,
        key=letter.key or b"",
        value=letter.value,
        headers={
            "reason": letter.reason,
            "detail": letter.detail,
            "fields": ",".join(letter.fields),
            "position": str(letter.position),
            "truncated": "false",
        },
        carried=carried,
    )
    size = len(message.key) + len(message.value) + sum(len(name) + len(value) for name, value in carried)
    return message if size <= LARGEST_COPIED_BYTES else without_bytes(message)


def without_bytes(message: Message) -> Message:
    """Leave key, value and headers of the refused record out, and say so."""
    return message._replace(key=b"", value=b"", carried=(), headers={**message.headers, "truncated": "true"})

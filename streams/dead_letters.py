"""Refused records on their way to the dead-letter topic, bytes untouched."""

from models.dead_letter import DeadLetter
from models.publisher import Message
from models.topics import DEAD_LETTERS


def dead_letter_message(letter: DeadLetter) -> Message:
    """Write a dead letter as the record that is published: its own key and bytes, why in the headers."""
    return Message(
        topic=DEAD_LETTERS,
        key=letter.key or b"",
        value=letter.value,
        headers={
            "reason": letter.reason,
            "detail": letter.detail,
            "fields": ",".join(letter.fields),
            "position": str(letter.position),
        },
    )

"""Who counts events, and how far the count is: a gap in it is an event that was lost."""

import os
import secrets
import socket
from typing import Final

LONGEST_HOST: Final = 80
"""With the process and a random part the name stays within the contract's 128."""


class Numbering:
    """One running instance of a service, and the contiguous count of its events, from 1.

    Not locked: whoever counts must also keep the order in which events are handed over.
    """

    def __init__(self) -> None:
        self.producer = f"{socket.gethostname()[:LONGEST_HOST]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.following = 1
        """The number of the next event."""

    def advance(self) -> None:
        """The event of the number `following` was handed over."""
        self.following += 1

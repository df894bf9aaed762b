"""Telephone numbers do not belong in a trail: a keyed pseudonym takes their place."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from .errors import BadSettings

SHORTEST_KEY_BYTES: Final = 16

IDS: Final = frozenset({"actor_id", "resource_id", "customer_id", "recipient", "organization", "recorded_by"})
ID_LISTS: Final = frozenset({"customer_ids", "resource_ids", "assignees", "aliases"})
"""Fields of events and evidence whose values are compared with each other.

`organization` is among them: a recipient is compared with it, and so may be a customer.
"""

_TELEPHONE_NUMBER = re.compile(r"\+[0-9]{8,15}")
_DIGITS: Final = 32


class Pseudonyms:
    """Replaces ids that are telephone numbers by a keyed HMAC: the same number, the same pseudonym.

    Events and evidence must use the same key, or a ticket no longer names the customer it is about.
    Raises `BadSettings` for a key of less than 16 bytes: the numbers could be guessed with it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY_BYTES:
            raise BadSettings(
                [f"the key of pseudonyms has {len(key)} bytes; at least {SHORTEST_KEY_BYTES} are needed"]
            )
        self._key = key

    def of(self, number: str) -> str:
        """Give the pseudonym of one telephone number."""
        digest = hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()
        return f"tel-{digest[:_DIGITS]}"

    def applied(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Give the fields of an event or evidence record with telephone numbers replaced."""
        return {name: self._hidden(name, value) for name, value in fields.items()}

    def _hidden(self, name: str, value: object) -> object:
        if name in IDS:
            return self._replaced(value)
        if name in ID_LISTS and isinstance(value, list | tuple | set | frozenset):
            return [self._replaced(part) for part in value]
        return value

    def _replaced(self, value: object) -> object:
        if isinstance(value, str) and _TELEPHONE_NUMBER.fullmatch(value):
            return self.of(value)
        return value

"""Telephone numbers do not belong in a trail: a keyed pseudonym takes their place."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_TELEPHONE_NUMBER = re.compile(r"\+[0-9]{8,15}")
_SHORTEST_KEY: Final = 16
_DIGITS: Final = 32

EVENT_IDS: Final = ("actor_id", "resource_id", "customer_id", "recipient")
EVIDENCE_IDS: Final = ("recorded_by",)
EVIDENCE_ID_LISTS: Final = ("customer_ids", "resource_ids", "assignees", "aliases")


class Pseudonyms:
    """Replaces ids that are telephone numbers by a keyed HMAC: the same number, the same pseudonym.

    Events and evidence must use the same key, or a ticket no longer names the customer it is about.
    Raises ValueError for a key of less than 16 bytes, which could be guessed from the numbers.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(
                f"the key of pseudonyms has {len(key)} bytes; at least {_SHORTEST_KEY} are needed"
            )
        self._key = key

    def of(self, number: str) -> str:
        """Give the pseudonym of one telephone number."""
        digest = hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()
        return f"tel-{digest[:_DIGITS]}"

    def applied(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Give the fields of an event or evidence record with telephone numbers replaced."""
        changed = dict(fields)
        for name in (*EVENT_IDS, *EVIDENCE_IDS):
            if name in changed:
                changed[name] = self._hidden(changed[name])
        for name in EVIDENCE_ID_LISTS:
            if isinstance(changed.get(name), Iterable) and not isinstance(changed[name], str):
                changed[name] = [self._hidden(value) for value in changed[name]]
        return changed

    def _hidden(self, value: Any) -> Any:  # noqa: ANN401 - validated after
        if isinstance(value, str) and _TELEPHONE_NUMBER.fullmatch(value):
            return self.of(value)
        return value

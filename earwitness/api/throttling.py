"""How often one token may ask, and when a client's address has tried too many wrong tokens.

Both are kept in this process alone, in bounded memory.
"""

import ipaddress
import math
from collections import OrderedDict
from typing import Final, Generic, TypeVar

REQUESTS_PER_MINUTE: Final = 1_200
"""Of one token; that many at once after a minute of rest."""

MOST_KNOWN_TOKENS: Final = 10_000
ANSWERS_PER_MINUTE: Final = 120
"""Looks at questions to actors, and their answers, from one address: a whole office can have one."""

MOST_WRONG_TOKENS: Final = 10
"""From one address within LOCKED_S; with the next one the address is locked out."""

LOCKED_S: Final = 60.0
MOST_ADDRESSES: Final = 10_000
"""Addresses that are remembered; of more, those that were quiet longest are forgotten."""

_IPV6_NETWORK: Final = 64
_Of = TypeVar("_Of")


class _Recent(Generic[_Of]):
    """Something of each key, of the keys used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Of] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> _Of | None:
        return self._kept.get(key)

    def put(self, key: str, value: _Of) -> None:
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


class RateLimit:
    """A bucket of requests for each token, which fills by itself."""

    def __init__(self, per_minute: int = REQUESTS_PER_MINUTE, most: int = MOST_KNOWN_TOKENS) -> None:
        self._per_minute = per_minute
        self._buckets: _Recent[tuple[float, float]] = _Recent(most)

    def __len__(self) -> int:
        """Count the tokens that are remembered."""
        return len(self._buckets)

    def wait_s(self, key: str, now: float) -> int:
        """Take one request; where there is none left, give the seconds until there is."""
        left, at = self._buckets.get(key) or (float(self._per_minute), now)
        left = min(self._per_minute, left + (now - at) * self._per_minute / 60)
        if left < 1:
            return math.ceil((1 - left) * 60 / self._per_minute)
        self._buckets.put(key, (left - 1, now))
        return 0


def answers_of_addresses() -> RateLimit:
    """Give the limit for those who come without a token, by their addresses."""
    return RateLimit(ANSWERS_PER_MINUTE, MOST_ADDRESSES)


class LockOut:
    """The addresses that tried wrong tokens, and until when each is not listened to."""

    def __init__(self, most_addresses: int = MOST_ADDRESSES) -> None:
        self._wrong: _Recent[list[float]] = _Recent(most_addresses)

    def __len__(self) -> int:
        """Count the addresses that are remembered."""
        return len(self._wrong)

    def wait_s(self, address: str, now: float) -> int:
        """Give the seconds for which an address is still locked out; 0 where it is not."""
        tries = self._wrong.get(group_of(address)) or []
        if len(tries) < MOST_WRONG_TOKENS:
            return 0
        return max(0, math.ceil(tries[-1] + LOCKED_S - now))

    def note_wrong(self, address: str, now: float) -> bool:
        """Remember that a wrong token came from there; say whether that locks it out."""
        key = group_of(address)
        tries = [at for at in self._wrong.get(key) or [] if now - at < LOCKED_S]
        tries = [*tries, now][-MOST_WRONG_TOKENS:]
        self._wrong.put(key, tries)
        return len(tries) == MOST_WRONG_TOKENS


def group_of(address: str) -> str:
    """Give what one client has: an IPv4 address, or the network that IPv6 gives to each subscriber."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network(f"{found}/{_IPV6_NETWORK}", strict=False))

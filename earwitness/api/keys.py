"""From the bearer token of a request to the one who asks."""

import hmac
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from earwitness.api.permissions import Caller
from models.fields import format_time
from models.tokens import PREFIX, Role, Scope, Token, digest_of

BOOTSTRAP: Final = "api-token"
"""Whoever holds the token that the stack was made with: an admin, so that there is a first one."""

REVOKED_WITHIN_S: Final = 2.0
"""After so long a token that was created, or revoked, is known to every API process."""


class Tokens(Protocol):
    """Where tokens are kept. Each method raises `SinkUnavailable`; `user_of` also `QueryRejected`."""

    def tokens(self) -> list[Token]:
        """Give every token, the ended ones too, in the order of their creation."""

    def create(self, token: Token) -> None:
        """Keep a new token."""

    def revoke(self, token: Token, by: str) -> None:
        """End every token of that name."""

    def user_of(self, role: Role, scope: Scope) -> str:
        """Give the ClickHouse user that stands for a role and scope."""


class Unknown(NamedTuple):
    """Nobody's token: the `message` says why, and the `hint` what to do.

    `holder` is whose it was until it ended; empty where it never was one.
    """

    code: str
    message: str
    hint: str
    holder: str = ""


_NOT_ONE: Final = Unknown(
    "unauthorized",
    "the bearer token is missing or not the one of this stack",
    "send Authorization: Bearer <token>; an admin creates one (earwitness tokens create), and the data"
    " folder's secrets hold the first",
)
_ASK_FOR_ANOTHER: Final = "ask an admin for another one: earwitness tokens create"


class Keys:
    """Knows who holds which token. Tokens of the log are looked up in a copy a few seconds old at most."""

    def __init__(
        self,
        bootstrap: str,
        tokens: Tokens | None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bootstrap = digest_of(bootstrap)
        self._tokens = tokens
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, Token] = {}
        self._read_at: float | None = None
        self._reading = threading.Lock()

    def is_of_the_log(self, secret: str) -> bool:
        """Say whether `who` may have to ask the store, and so to wait."""
        return self._tokens is not None and secret.startswith(PREFIX)

    def who(self, secret: str) -> Caller | Unknown:
        """Name the holder of a token. Raises `SinkUnavailable` where it cannot be looked up."""
        digest = digest_of(secret)
        if hmac.compare_digest(digest, self._bootstrap):
            return Caller(BOOTSTRAP, "admin")
        token = self._all().get(digest) if self.is_of_the_log(secret) else None
        if token is None:
            return _NOT_ONE
        if token.revoked_at is not None:
            return _ended("revoked", token.name, f"was revoked at {format_time(token.revoked_at)}")
        if token.expires_at <= self._clock():
            return _ended("expired", token.name, f"expired at {format_time(token.expires_at)}")
        return Caller(token.name, token.role, token.scope, token.scope_user)

    def forget(self) -> None:
        """Look everything up anew: this process changed a token itself."""
        self._read_at = None

    def _all(self) -> dict[str, Token]:
        with self._reading:
            now = self._monotonic()
            if self._tokens is not None and (self._read_at is None or now - self._read_at > REVOKED_WITHIN_S):
                self._known = {token.digest: token for token in self._tokens.tokens()}
                self._read_at = now
            return self._known


def _ended(how: str, holder: str, became: str) -> Unknown:
    message = f"the token {holder} {became}"
    return Unknown(f"token_{how}", message, _ASK_FOR_ANOTHER, holder)

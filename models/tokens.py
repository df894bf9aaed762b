"""API tokens: who holds one, what they may do, and whose accesses they may see."""

import hashlib
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

PREFIX: Final = "ew_"
"""How a token begins, so that scanners of repositories and people recognise one."""

SECRET_BYTES: Final = 32
DEFAULT_LIFE: Final = timedelta(days=90)
LONGEST_LIFE: Final = timedelta(days=366)
MOST_IN_SCOPE: Final = 100
"""Customers, and vendors, that one token names."""

Role = Literal["reader", "investigator", "auditor", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Scope(NamedTuple):
    """Whose accesses are seen: of these customers, by these organisations. None named: of all, by all.

    Where both are named, an access must be within both.
    """

    customers: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Say whether it leaves nothing out."""
        return not self.customers and not self.vendors


EVERYTHING: Final = Scope()


class Token(NamedTuple):
    """One token as it is kept: not itself, but its SHA-256, and its last four characters to recognise it by.

    A random secret of 256 bits cannot be guessed from its hash, so the hash needs neither salt nor time.
    `scope_user` is the ClickHouse user as whom it is asked; empty where the scope is everything.
    """

    name: str
    role: Role
    scope: Scope
    digest: str
    last_four: str
    scope_user: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str = ""


def digest_of(secret: str) -> str:
    """Give what is kept of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()

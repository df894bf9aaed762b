"""Tokens and scopes in ClickHouse: appended, never changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from models.errors import QueryRejected, SinkUnavailable
from models.tokens import Role, Scope, Token
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.one_thread import OneThread
from sinks.clickhouse.scopes import MOST_SCOPES, SCOPE_USERS

MOST_ENTRIES: Final = 10_000
"""Creations and revocations that are read. Beyond them none is created."""

CREATED: Final = "created"
REVOKED: Final = "revoked"

_COLUMNS: Final = "action, name, digest, last_four, role, customers, vendors, scope_user, expires_at, done_by"
_READ: Final = f"SELECT at, {_COLUMNS} FROM token_log ORDER BY at LIMIT {MOST_ENTRIES + 1}"  # noqa: S608 - constants
_WRITE: Final = f"INSERT INTO token_log ({_COLUMNS}) VALUES"
_ASSIGN: Final = "INSERT INTO scope_log (scope_user, role, customers, vendors) VALUES"
_ASSIGNED: Final = "SELECT scope_user, role, customers, vendors FROM scope_log ORDER BY scope_user"

_Entry = tuple[Any, ...]


class TokenLog:
    """The tokens there are and were. Everything goes through one thread, so through one connection.

    Each method raises `SinkUnavailable` where nothing is known to be durable.
    """

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._thread = OneThread(
            clickhouse,
            "tokens",
            late="the tokens were not reached",
            refused="the tokens could not be reached",
        )

    def tokens(self) -> list[Token]:
        """Give every token, the ended ones too, in the order of their creation."""
        entries: list[_Entry] = self._thread.run(_READ)
        if len(entries) > MOST_ENTRIES:
            raise SinkUnavailable(f"token_log has more than {MOST_ENTRIES} entries, so none is believed")
        return tokens_of(entries)

    def create(self, token: Token) -> None:
        """Keep a new token."""
        self._write(
            CREATED,
            token.name,
            token.digest,
            token.last_four,
            token.role,
            list(token.scope.customers),
            list(token.scope.vendors),
            token.scope_user,
            token.expires_at,
            token.created_by,
        )

    def revoke(self, token: Token, by: str) -> None:
        """End every token of that name there is."""
        self._write(REVOKED, token.name, "", token.last_four, token.role, [], [], "", token.expires_at, by)

    def user_of(self, role: Role, scope: Scope) -> str:
        """Give the ClickHouse user that stands for a role and scope, prepared for it where it is new.

        Raises `QueryRejected` where all of them stand for others.
        """
        wanted = (role, list(scope.customers), list(scope.vendors))
        for _ in range(MOST_SCOPES):
            taken: dict[str, _Entry] = {user: tuple(rest) for user, *rest in self._thread.run(_ASSIGNED)}
            for user, stands_for in taken.items():
                if stands_for == wanted:
                    return user
            free = next((user for user in SCOPE_USERS if user not in taken), None)
            if free is None:
                break
            named = {"async_insert": 0, "insert_deduplicate": 1, "insert_deduplication_token": free}
            self._thread.run(_ASSIGN, [(free, *wanted)], named)
        raise QueryRejected(
            f"there are {MOST_SCOPES} different pairs of role and scope, which is the most",
            "use a scope that exists (earwitness tokens list), or a wider one",
        )

    def close(self) -> None:
        """Let what is under way end, then let go of the connection."""
        self._thread.close()

    def _write(self, *entry: object) -> None:
        self._thread.run(_WRITE, [entry], {"async_insert": 0})


def tokens_of(entries: Iterable[_Entry]) -> list[Token]:
    """Fold the log, in its order, into tokens."""
    tokens: list[Token] = []
    for at, action, name, *rest in entries:
        if action == CREATED:
            tokens.append(_created(at, name, rest))
        elif action == REVOKED:
            by = rest[-1]
            tokens = [
                token._replace(revoked_at=at, revoked_by=by)
                if token.name == name and token.revoked_at is None
                else token
                for token in tokens
            ]
    return tokens


def _created(at: datetime, name: str, rest: list[Any]) -> Token:
    digest, last_four, role, customers, vendors, scope_user, expires_at, by = rest
    scope = Scope(tuple(customers), tuple(vendors))
    return Token(name, role, scope, digest, last_four, scope_user, at, by, expires_at)

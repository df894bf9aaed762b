"""Routes about tokens: an admin creates them, lists them, and ends them."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from earwitness.api import answers
from earwitness.api.errors import NotFound
from earwitness.api.keys import BOOTSTRAP, Keys, Tokens
from earwitness.api.recording import Asked
from earwitness.api.sources import From, Sources
from models.errors import QueryRejected, SinkUnavailable
from models.fields import format_time
from models.tokens import (
    DEFAULT_LIFE,
    LONGEST_LIFE,
    MOST_IN_SCOPE,
    PREFIX,
    SECRET_BYTES,
    Role,
    Scope,
    Token,
    digest_of,
)

RESERVED: Final = frozenset({BOOTSTRAP, "worker"})
"""Names that stand for others in the activity log."""

_LIFE = re.compile(r"([1-9][0-9]{0,3})([hd])")
_NAME: Final = r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?"
_Name = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
_Listed = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Several = Annotated[tuple[_Listed, ...], Field(max_length=MOST_IN_SCOPE)]

router: Final = APIRouter(tags=["tokens"])


class TokenWish(BaseModel):
    """A token that is wanted. `expires` is how long it lives, in hours or days, as 30d."""

    model_config = ConfigDict(extra="forbid")

    name: _Name
    role: Role
    customers: _Several = ()
    vendors: _Several = ()
    expires: str | None = None


@router.post("/tokens", response_model=answers.CreatedToken, status_code=201)
def create_token(wish: TokenWish, request: Request, asked: Asked, sources: From) -> JSONResponse:
    """Create a token and give it, this once: what is kept of it does not tell it."""
    tokens = _tokens(sources)
    scope = Scope(tuple(sorted(set(wish.customers))), tuple(sorted(set(wish.vendors))))
    _check(wish, scope, tokens.tokens(), asked.now)
    expires_at = asked.now + _life(wish.expires)
    scope_user = "" if scope.is_everything else tokens.user_of(wish.role, scope)
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        name=wish.name,
        role=wish.role,
        scope=scope,
        digest=digest_of(secret),
        last_four=secret[-4:],
        scope_user=scope_user,
        created_at=asked.now,
        created_by=asked.principal,
        expires_at=expires_at,
    )
    # First, so that no token exists which nobody recorded.
    asked.record("tokens.create", _told(token), customer_ids=scope.customers, row_count=1)
    tokens.create(token)
    _keys(request).forget()
    return JSONResponse({"token": secret, **_shown(token, asked.now)}, status_code=201)


@router.get("/tokens", response_model=answers.Tokens)
def list_tokens(asked: Asked, sources: From) -> JSONResponse:
    """List the tokens, the ended ones too, without themselves."""
    found = [_shown(token, asked.now) for token in _tokens(sources).tokens()]
    return asked.answer({"tokens": found}, "tokens.list", "", row_count=len(found))


@router.post("/tokens/{name}/revocation", response_model=answers.Revoked)
def revoke_token(name: str, request: Request, asked: Asked, sources: From) -> JSONResponse:
    """End a token, at once here and within seconds in every other process of the API."""
    tokens = _tokens(sources)
    of_the_name = [token for token in tokens.tokens() if token.name == name and token.revoked_at is None]
    if not of_the_name:
        raise NotFound(f"no token of the name {name} is in force")
    asked.record("tokens.revoke", _told(of_the_name[-1]), row_count=len(of_the_name))
    tokens.revoke(of_the_name[-1], asked.principal)
    _keys(request).forget()
    return JSONResponse({"name": name, "revoked": True})


def _check(wish: TokenWish, scope: Scope, known: list[Token], now: datetime) -> None:
    if wish.name in RESERVED:
        raise QueryRejected(f"the name {wish.name} stands for another in the activity log", "choose another")
    if any(t.name == wish.name and t.revoked_at is None and t.expires_at > now for t in known):
        raise QueryRejected(
            f"there is a token of the name {wish.name}",
            "revoke it first (earwitness tokens revoke), or choose another name",
        )
    if wish.role == "admin" and not scope.is_everything:
        raise QueryRejected(
            "an admin has no scope: whoever creates tokens can see everything", "leave it out"
        )
    if "*" in (*scope.customers, *scope.vendors):
        raise QueryRejected("* is no customer and no vendor", "leave the scope out to mean all of them")


def _life(text: str | None) -> timedelta:
    if text is None:
        return DEFAULT_LIFE
    found = _LIFE.fullmatch(text)
    life = found and timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])})
    if not life or life > LONGEST_LIFE:
        raise QueryRejected(
            f"{text!r} is not how long a token may live", f"it is 1h to {LONGEST_LIFE.days}d, as 30d"
        )
    return life


def _told(token: Token) -> str:
    """Say in the activity log what changes hands."""
    parts = [token.name, f"--role {token.role}"]
    parts += [f"--customer {name}" for name in token.scope.customers]
    parts += [f"--vendor {name}" for name in token.scope.vendors]
    return " ".join((*parts, f"--expires-at {format_time(token.expires_at)}", f"...{token.last_four}"))


def _shown(token: Token, now: datetime) -> dict[str, Any]:
    ended = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else None
    return {
        "name": token.name,
        "role": token.role,
        "customers": list(token.scope.customers),
        "vendors": list(token.scope.vendors),
        "last_four": token.last_four,
        "state": ended or "in force",
        "created_at": format_time(token.created_at),
        "created_by": token.created_by,
        "expires_at": format_time(token.expires_at),
        "revoked_at": format_time(token.revoked_at) if token.revoked_at else None,
        "revoked_by": token.revoked_by or None,
    }


def _tokens(sources: Sources) -> Tokens:
    if sources.tokens is None:
        raise SinkUnavailable("this API keeps no tokens")
    return sources.tokens


def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.keys
    return keys

"""What each role may do, and what each route needs: the one place where both stand.

A route that is not named here is refused to everyone, and tests/api/test_permissions.py fails.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from fastapi import Request

from models.tokens import EVERYTHING, ROLES, Role, Scope


class Need(StrEnum):
    """What somebody must be allowed to do; its text completes "may not …"."""

    OPEN = "ask this"
    TRAIL = "search the trail and read accesses and their explanations"
    REPORTS = "read reports"
    REGISTERS = "see which registers there are"
    ACTORS = "see actors in reports"
    EVIDENCE = "read evidence"
    LETTERS = "list dead letters"
    EXPORTS = "export"
    SAVED = "read saved searches"
    KEEP_SAVED = "save or delete searches"
    DRY_RUN = "have an access judged that is not stored"
    METRICS = "read metrics"
    ACTIVITY = "read the activity log"
    SQL = "run SQL"
    LETTER_BYTES = "read the bytes of dead letters"
    KEEP_REGISTERS = "let registers beat or retire"
    ALERTS = "see alerts"
    HANDLE = "handle alerts or silence them"
    TOKENS = "create, list or revoke tokens"


_READER: Final = frozenset({Need.OPEN, Need.TRAIL, Need.REPORTS, Need.REGISTERS, Need.SAVED})
_INVESTIGATOR: Final = _READER | {
    Need.ACTORS,
    Need.EVIDENCE,
    Need.LETTERS,
    Need.EXPORTS,
    Need.METRICS,
    Need.KEEP_SAVED,
    Need.DRY_RUN,
    Need.ALERTS,
    Need.HANDLE,
}
# Who audits how alerts were decided decides none.
_AUDITOR: Final = (_INVESTIGATOR | {Need.ACTIVITY, Need.SQL}) - {Need.HANDLE}

MAY: Final[Mapping[Role, frozenset[Need]]] = {
    "reader": _READER,
    "investigator": _INVESTIGATOR,
    "auditor": _AUDITOR,
    "admin": frozenset(Need),
}

OF_EVERYTHING: Final = frozenset(
    {
        Need.SAVED,
        Need.KEEP_SAVED,
        Need.DRY_RUN,
        Need.LETTERS,
        Need.LETTER_BYTES,
        Need.METRICS,
        Need.ACTIVITY,
        Need.KEEP_REGISTERS,
        Need.TOKENS,
        Need.ALERTS,
        Need.HANDLE,
    }
)
"""What is about no one customer or vendor, so no scope can be kept in it."""

PATH: Final = "/api/v1"
"""Under it are all routes but those for orchestrators and Prometheus."""

NEEDS: Final[Mapping[str, Need]] = {
    "GET /livez": Need.OPEN,
    "GET /readyz": Need.OPEN,
    "GET /healthz": Need.OPEN,
    "POST /webhooks/{register}": Need.OPEN,
    "GET /metrics": Need.METRICS,
    "GET /search": Need.TRAIL,
    "GET /search/facets": Need.TRAIL,
    "GET /search/histogram": Need.TRAIL,
    "GET /search/completions": Need.TRAIL,
    "GET /accesses/{identifier}": Need.TRAIL,
    "GET /accesses/{identifier}/explanation": Need.TRAIL,
    "GET /reports/{kind}/{subject:path}": Need.REPORTS,
    "GET /pages/{kind}/{identifier:path}": Need.TRAIL,
    "GET /exports": Need.EXPORTS,
    "GET /searches": Need.SAVED,
    "GET /searches/{name}": Need.SAVED,
    "PUT /searches/{name}": Need.KEEP_SAVED,
    "DELETE /searches/{name}": Need.KEEP_SAVED,
    "POST /judge": Need.DRY_RUN,
    "POST /sql": Need.SQL,
    "GET /activity": Need.ACTIVITY,
    "GET /evidence": Need.EVIDENCE,
    "GET /evidence/{ref:path}": Need.EVIDENCE,
    "GET /registers": Need.REGISTERS,
    "POST /registers/{name}/heartbeat": Need.KEEP_REGISTERS,
    "POST /registers/{name}/retirement": Need.KEEP_REGISTERS,
    "GET /dead-letters": Need.LETTERS,
    "GET /dead-letters/{topic}/{partition}/{offset}": Need.LETTER_BYTES,
    "POST /dead-letters/replays": Need.LETTER_BYTES,
    "GET /alerts": Need.ALERTS,
    "GET /alerts/{identifier}": Need.ALERTS,
    "GET /alerts/{identifier}/members": Need.ALERTS,
    "POST /alerts/{identifier}/acknowledgement": Need.HANDLE,
    "POST /alerts/{identifier}/assignment": Need.HANDLE,
    "POST /alerts/{identifier}/notes": Need.HANDLE,
    "POST /alerts/{identifier}/closure": Need.HANDLE,
    "POST /alerts/{identifier}/reopening": Need.HANDLE,
    "GET /silences": Need.ALERTS,
    "POST /silences": Need.HANDLE,
    "DELETE /silences/{identifier}": Need.HANDLE,
    "GET /statements/{token}": Need.OPEN,
    "POST /statements/{token}": Need.OPEN,
    "GET /tokens": Need.TOKENS,
    "POST /tokens": Need.TOKENS,
    "POST /tokens/{name}/revocation": Need.TOKENS,
}


class Caller(NamedTuple):
    """Who asks: the name in the activity log, and what goes with it."""

    name: str
    role: Role
    scope: Scope = EVERYTHING
    scope_user: str = ""

    def may(self, need: Need) -> bool:
        """Say whether it may do that, in its scope or at all."""
        return need in MAY[self.role] and (self.scope.is_everything or need not in OF_EVERYTHING)


NOBODY: Final = Caller("", "reader")
"""Who comes to an open route."""


class Forbidden(Exception):
    """The caller is known and may not; the message says what is needed."""


def caller_of(request: Request) -> Caller:
    """Give who asks, as the gate found."""
    caller: Caller = request.state.caller
    return caller


def permitted(request: Request) -> None:
    """Refuse what the caller may not do, and every route of which nobody said who may."""
    route = named(request.method, request.scope["route"].path)
    need = NEEDS.get(route)
    if need is None:
        raise Forbidden(f"nobody has said who may {route}")
    if need is not Need.OPEN:
        require(caller_of(request), need)


def named(method: str, path: str) -> str:
    """Name a route as NEEDS does, whether or not its path says under what its router was mounted."""
    return f"{method.upper()} {path.removeprefix(PATH)}"


def require(caller: Caller, need: Need) -> None:
    """Raise `Forbidden` where `caller` may not do that."""
    if need not in MAY[caller.role]:
        able = [role for role in ROLES if need in MAY[role]]
        raise Forbidden(f"the role {caller.role} may not {need}; that needs {' or '.join(able)}")
    if not caller.may(need):
        raise Forbidden(
            f"a token of some customers or vendors may not {need}; that needs one for all of them"
        )

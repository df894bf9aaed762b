"""Policy versions in ClickHouse: each is known by the digest under which it was first used."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from models.errors import SinkUnavailable
from models.fields import microseconds
from sinks.base import PolicyVersion
from sinks.clickhouse.client import ClickHouse

MOST_ATTEMPTS: Final = 3
"""Names under which one version is inserted; a second is needed only where ClickHouse was killed
between noting a name and writing its row."""

REGISTERED: Final = "policy.registered"
PRINCIPAL: Final = "worker"

_FIRST: Final = (
    "SELECT id, digest, registered_at FROM policy_log WHERE policy = %(policy)s AND version = %(version)s"
    " ORDER BY registered_at, digest LIMIT 1"
)
_JUDGED_BY: Final = (
    "SELECT policy_digest FROM access_log WHERE policy_version = %(version)s"
    " GROUP BY policy_digest ORDER BY min(received_day), policy_digest LIMIT 1"
)
_TOLD: Final = (
    "SELECT count() FROM activity_log"
    " WHERE id = toUUID(%(id)s) AND time = fromUnixTimestamp64Micro(%(time)s, 'UTC')"
)


class _Row(NamedTuple):
    id: UUID
    digest: str
    registered_at: datetime


def register_policy(clickhouse: ClickHouse, version: PolicyVersion) -> str:
    """Make a version known unless one of its name is; give the digest that it is known by.

    Trails from before policy_log know versions by their rows alone. Every caller sees to it that the
    activity log tells of the registration, for whoever made it may have died before it did.
    """
    known = _first(clickhouse, version)
    if known is None:
        judged_by = clickhouse.execute(_JUDGED_BY, {"version": version.version})
        if judged_by and judged_by[0][0] != version.digest:
            return str(judged_by[0][0])
        known = _inserted(clickhouse, version)
    told = {"id": str(known.id), "time": microseconds(known.registered_at)}
    if not clickhouse.execute(_TOLD, told)[0][0]:
        _tell(clickhouse, known, version)
    return known.digest


def _first(clickhouse: ClickHouse, version: PolicyVersion) -> _Row | None:
    rows = clickhouse.execute(_FIRST, {"policy": version.policy, "version": version.version})
    return _Row(*rows[0]) if rows else None


def _inserted(clickhouse: ClickHouse, version: PolicyVersion) -> _Row:
    """Insert under a token that only one of several workers can use, and see whose row stands."""
    for attempt in range(MOST_ATTEMPTS):
        _insert(
            clickhouse,
            "INSERT INTO policy_log (id, policy, version, digest, effective_from, document) VALUES",
            (uuid4(), *version),
            f"policy:{version.policy}:{version.version}:{attempt}",
        )
        known = _first(clickhouse, version)
        if known is not None:
            return known
    raise SinkUnavailable(
        f"policy version {version.version} was inserted {MOST_ATTEMPTS} times, without a row"
    )


def _tell(clickhouse: ClickHouse, known: _Row, version: PolicyVersion) -> None:
    said = f"{version.policy} {version.version}, digest {known.digest}"
    _insert(
        clickhouse,
        "INSERT INTO activity_log (id, time, principal, surface, action, query, customer_ids, row_count)"
        " VALUES",
        (known.id, known.registered_at, PRINCIPAL, PRINCIPAL, REGISTERED, said, [], 1),
        f"{REGISTERED}:{known.id}",
    )


def _insert(clickhouse: ClickHouse, statement: str, row: tuple[Any, ...], token: str) -> None:
    clickhouse.execute(statement, [row], settings={"insert_deduplication_token": token, "async_insert": 0})

"""The ClickHouse users as whom scoped tokens are asked: what each may read, and the rows it is shown.

They are prepared, because a server whose users stand in a file knows those of its start alone; what each
stands for is in scope_log. One that stands for nothing yet is shown nothing.
docs/decisions/0026-who-may-see-what.md has what was measured.
"""

from collections.abc import Mapping
from typing import Final

MOST_SCOPES: Final = 32
"""Different pairs of role and scope, one user each."""

SCOPE_USERS: Final = tuple(f"earwitness_scope_{number:02}" for number in range(1, MOST_SCOPES + 1))

QUESTIONS_PER_HOUR: Final = 20_000
READ_SECONDS_PER_HOUR: Final = 1_200
"""How long the questions of one such user may run in an hour, added up."""


def _of(kind: str, column: str) -> str:
    return (
        f"({column} IN (SELECT value FROM earwitness.scopes WHERE kind = '{kind}')"  # noqa: S608 - names of ours
        f" OR 1 IN (SELECT 1 FROM earwitness.scopes WHERE kind = 'every_{kind}'))"
    )


_ACCESSES: Final = f"{_of('customer', 'customer_id')} AND {_of('vendor', 'organization')}"
_OF_THOSE: Final = "(id, source) IN (SELECT id, source FROM earwitness.accesses)"

# A record that names a customer of somebody else as well is not shown: it would name that customer.
_EVIDENCE: Final = (
    "(notEmpty(customer_ids) AND hasAll((SELECT groupArray(value) FROM earwitness.scopes"  # noqa: S608 - constants
    " WHERE kind = 'customer'), customer_ids)"
    " OR 1 IN (SELECT 1 FROM earwitness.scopes WHERE kind = 'every_customer'))"
    f" AND {_of('vendor', 'organization')}"
)

ROW_POLICIES: Final[Mapping[str, str]] = {
    "scopes": "scope_user = currentUser()",
    "trail": _ACCESSES,
    "accesses": _ACCESSES,
    "verdicts": _OF_THOSE,
    "later_verdicts": _OF_THOSE,
    "evidence": _EVIDENCE,
}
"""By view. A policy on the tables underneath would not be asked: the views read them as their definer."""

OPEN_VIEWS: Final = ("registers", "policies")
"""What names no customer and no vendor, and is shown whole."""

GRANTED_VIEWS: Final = (*ROW_POLICIES, *OPEN_VIEWS)

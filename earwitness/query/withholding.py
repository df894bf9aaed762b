"""What of an access says which person it was: for those who may know what was done, but not by whom.

The kind of actor and the organization stay: to whom content was disclosed is owed to whom it is about.
"""

from collections.abc import Mapping
from typing import Any, Final

WITHHELD: Final = (
    "actor_id",
    "actor_team",
    "operation_id",
    "session_id",
    "trace_id",
    "ip",
    "user_agent",
    "unknown_fields",
)


def withheld(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row in which what names its actor is null."""
    return {name: None if name in WITHHELD else value for name, value in row.items()}

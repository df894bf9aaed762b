"""`earwitness search --activity`: who asked what of this system."""

from typing import Final

import click

from earwitness.cli.client import ApiClient
from earwitness.cli.output import OutputFormat, console, plain_table, tell, write_rows
from earwitness.query.activity import ACTIVITY_FIELDS

FIELDS: Final = ("principal", "action")
_SHOWN: Final = ACTIVITY_FIELDS[:-1]
"""A table leaves the id of the entry out."""


def show_activity(  # noqa: PLR0913 - one for each option of the command
    api: ApiClient,
    words: tuple[str, ...],
    *,
    since: str | None,
    until: str | None,
    limit: int,
    output: OutputFormat,
) -> None:
    """Show what the activity log has, newest first."""
    found = api.get("activity", **_asked(words), since=since, until=until, limit=limit)
    rows = found["rows"]
    if output == "table":
        if rows:
            console().print(plain_table(_SHOWN, ([row[name] for name in _SHOWN] for row in rows)))
        tell(f"{len(rows)} entries since {found['since']}")
    else:
        write_rows(iter(rows), ACTIVITY_FIELDS, output)


def _asked(words: tuple[str, ...]) -> dict[str, str]:
    asked = {}
    for word in words:
        name, colon, value = word.partition(":")
        if not colon or name not in FIELDS or not value:
            raise click.BadParameter(
                f"with --activity the terms are principal:NAME and action:NAME, not {word}"
            )
        asked[name] = value
    return asked

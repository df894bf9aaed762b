"""What `show` and `explain` share: one access, asked for by its id, as known now or at an instant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from earwitness.cli.client import ApiClient, NotYetRecorded
from earwitness.cli.output import tell
from earwitness.devstack.state import resolve

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_of_option: Final[Callable[[_Command], _Command]] = click.option(
    "--as-of",
    "as_of",
    metavar="T",
    help="As known at this time: 2026-01-31T09:30:00Z, 2026-01-31 (its first instant, UTC), 24h (ago).",
)


def find_accesses(data_dir: Path | None, as_of: str | None, identifier: str, *below: str) -> dict[str, Any]:
    """Ask for the accesses with that id; where there is none, or was none yet, say so and exit 1."""
    try:
        with ApiClient(resolve(data_dir, "api").api) as api:
            found: dict[str, Any] | None = api.find("accesses", identifier, *below, as_of=as_of)
    except NotYetRecorded as error:
        tell(str(error))
        raise click.exceptions.Exit(1) from error
    if found is None:
        tell(f"no access has the id {identifier}")
        raise click.exceptions.Exit(1)
    return found

"""`--show-curl`: the question that a command would ask, as a line for a shell, in place of asking it.

The token is never part of it: the line reads it from the environment.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from earwitness.devstack.state import DEFAULT_DATA_DIR

TOKEN_VARIABLE: Final = "EARWITNESS_API__TOKEN"  # noqa: S105 - the name of a variable
_TOKEN_IS_READ: Final = "it reads the token from the environment: export {}={}"  # noqa: S105 - holds none
_KEY: Final = "earwitness.show_curl"
_CONTINUED: Final = " \\\n  "

_Command = TypeVar("_Command", bound=Callable[..., Any])


def show_curl_option(command: _Command) -> _Command:
    """Add `--show-curl`."""
    option = click.option(
        "--show-curl",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Print the question as a curl command, and ask nothing.",
    )
    return option(command)


def is_wanted() -> bool:
    """Say whether the command that runs is to show its question, not to ask it."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_KEY))


def curl_line(method: str, url: str, parameters: Mapping[str, str | int], body: Any) -> str:  # noqa: ANN401 - JSON of any shape
    """Give the command that asks the same: every part quoted for a shell, every parameter escaped by curl."""
    parts = [f'curl -sS -H "Authorization: Bearer ${TOKEN_VARIABLE}"']
    if parameters:
        parts[0] += " --get"
    elif method not in ("GET", "POST"):
        parts[0] += f" -X {method}"
    parts.append(shlex.quote(url))
    parts += [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in parameters.items()]
    if body is not None:
        parts.append(f"-H {shlex.quote('Content-Type: application/json')}")
        parts.append(f"--data-raw {shlex.quote(json.dumps(body))}")
    return _CONTINUED.join(parts)


def show(method: str, url: str, parameters: Mapping[str, str | int], body: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Print the command to stdout, what it needs to stderr, and end with success."""
    click.echo(curl_line(method, url, parameters, body))
    token = Path(
        click.get_current_context().params.get("data_dir") or DEFAULT_DATA_DIR, "secrets", "api-token"
    )
    click.echo(_TOKEN_IS_READ.format(TOKEN_VARIABLE, f'"$(cat {shlex.quote(str(token))})"'), err=True)
    raise click.exceptions.Exit(0)


def _remember(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        context.meta[_KEY] = True

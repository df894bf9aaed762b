"""Groups of commands, each imported when it is called: `search` does not wait for Kafka's imports."""

import importlib
from collections.abc import Mapping
from typing import Any, Final

import click

from models.errors import ConfigurationError

OPTIONAL_PACKAGES: Final = ("psutil",)
"""Packages of the extra `embedded` that commands import; production does without them."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported only when they are needed.

    `lazy` maps each name to the `module:attribute` of its click command.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, str], **options: Any) -> None:  # noqa: ANN401 - click's signature
        super().__init__(*arguments, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the subcommands in the order in which a newcomer meets them."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand; None where there is none of that name."""
        if cmd_name not in self._lazy:
            return None
        module_name, attribute = self._lazy[cmd_name].split(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL_PACKAGES:
                raise
            return _unavailable(cmd_name, f"{ctx.command_path} {cmd_name}", error.name)
        command = getattr(module, attribute)
        if not isinstance(command, click.Command):
            msg = f"{self._lazy[cmd_name]} is not a click command"
            raise TypeError(msg)
        return command


def _unavailable(name: str, called: str, package: str) -> click.Command:
    """Stand in for a command that this installation cannot run, so that the others and --help work."""

    def refuse(_arguments: tuple[str, ...]) -> None:
        fault = f"`{called}` needs {package}: pip install 'earwitness[embedded]'"
        raise ConfigurationError([fault])

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["_arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=f"Not installed: needs {package}.",
    )

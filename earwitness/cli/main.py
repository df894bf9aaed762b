"""The `earwitness` command: a table of subcommands, each in a file of its own.

A subcommand's module is imported when it is called, so that `search` does not wait for Kafka's and
Faust's imports.
"""

import importlib
import sys
from typing import Final

import click

from models.errors import ConfigurationError, PipelineError, QueryRejected

COMMANDS: Final = {
    "up": "earwitness.cli.up:up",
    "down": "earwitness.cli.down:down",
    "status": "earwitness.cli.status:status",
    "doctor": "earwitness.cli.doctor:doctor",
    "worker": "earwitness.cli.worker:worker",
    "api": "earwitness.cli.api:api",
    "alerter": "earwitness.cli.alerter:alerter",
    "provision": "earwitness.cli.provision:provision",
    "migrate": "earwitness.cli.migrate:migrate",
    "mend-topics": "earwitness.cli.mend_topics:mend_topics",
    "backup": "earwitness.cli.backup:backup",
    "restore": "earwitness.cli.backup:restore",
    "publish": "earwitness.cli.publish:publish",
    "evidence": "earwitness.cli.evidence:evidence",
    "registers": "earwitness.cli.registers:registers",
    "import": "earwitness.cli.import_:import_",
    "judge": "earwitness.cli.judge:judge",
    "search": "earwitness.cli.search:search",
    "searches": "earwitness.cli.searches:searches",
    "show": "earwitness.cli.show:show",
    "explain": "earwitness.cli.explain:explain",
    "sql": "earwitness.cli.sql:sql",
    "actor": "earwitness.cli.pages:actor",
    "customer": "earwitness.cli.pages:customer",
    "resource": "earwitness.cli.pages:resource",
    "report": "earwitness.cli.report:report",
    "export": "earwitness.cli.export:export",
    "dead-letters": "earwitness.cli.dead_letters:dead_letters",
    "tokens": "earwitness.cli.tokens:tokens",
    "reconcile": "earwitness.cli.reconcile:reconcile",
    "policy": "earwitness.cli.policy:policy",
    "demo": "earwitness.cli.demo:demo",
    "completion": "earwitness.cli.completion:completion",
}
"""Name of the subcommand → `module:attribute` of its click command."""

OPTIONAL_PACKAGES: Final = ("psutil",)
"""Packages of the extra `embedded` that commands import; production does without them."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the subcommands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one subcommand; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module_name, attribute = COMMANDS[cmd_name].split(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL_PACKAGES:
                raise
            return _unavailable(cmd_name, error.name)
        command = getattr(module, attribute)
        if not isinstance(command, click.Command):
            msg = f"{COMMANDS[cmd_name]} is not a click command"
            raise TypeError(msg)
        return command


def _unavailable(command: str, package: str) -> click.Command:
    """Stand in for a command that this installation cannot run, so that the others and --help work."""

    def refuse(_arguments: tuple[str, ...]) -> None:
        fault = f"`earwitness {command}` needs {package}: pip install 'earwitness[embedded]'"
        raise ConfigurationError([fault])

    return click.Command(
        command,
        callback=refuse,
        params=[click.Argument(["_arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=f"Not installed: needs {package}.",
    )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earwitness")
def earwitness() -> None:
    """Who touched protected content, by which clause, on what evidence."""


def main() -> None:
    """Run the command line; exit 0 ok, 1 found something wrong, 2 bad use or settings."""
    try:
        # Without its standalone mode click gives the code of an Exit back instead of raising it.
        status = earwitness.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except ConfigurationError as error:
        click.echo("earwitness cannot start; its settings are wrong:", err=True)
        for fault in error.faults:
            click.echo(f"  {fault}", err=True)
        sys.exit(2)
    except QueryRejected as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except PipelineError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

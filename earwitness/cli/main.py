"""The `earwitness` command: a table of subcommands, each in a file of its own.

A subcommand's module is imported when it is called, so that `search` does not wait for Kafka's and
Faust's imports.
"""

import sys
from typing import Final

import click

from earwitness.cli.lazy import LazyGroup
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
    "alerts": "earwitness.cli.alerts:alerts",
    "dead-letters": "earwitness.cli.dead_letters:dead_letters",
    "tokens": "earwitness.cli.tokens:tokens",
    "reconcile": "earwitness.cli.reconcile:reconcile",
    "policy": "earwitness.cli.policy:policy",
    "demo": "earwitness.cli.demo:demo",
    "completion": "earwitness.cli.completion:completion",
}
"""Name of the subcommand → `module:attribute` of its click command."""


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earwitness")
def earwitness() -> None:
    """Who touched protected content, by which clause, on what evidence.

    \b
    Examples:
      earwitness up                                            a stack of its own, on this machine
      earwitness demo                                          what it shows, on a made-up day
      earwitness search 'verdict:unjustified time:>=-7d'       what nothing justifies
      earwitness explain ID                                    why an access was judged as it was
    """


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

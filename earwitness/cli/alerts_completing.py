"""Shell completion for alerts: rules by their files, and ids of open alerts and silences by asking the API.

Whatever goes wrong, nothing is offered: a person who presses the tab key does not want to read an error.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem

from earwitness import settings
from earwitness.cli.client import ApiClient
from earwitness.devstack.state import resolve
from earwitness.reports.alert_words import about
from models.errors import PipelineError, StackUnavailable

MOST_OFFERED: Final = 50
_SHOWN: Final = 8

Row = dict[str, Any]


def complete_rule(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the rules that there are files of. It asks no stack."""
    try:
        folder = settings.load().alerts.rules_dir
        names = sorted(path.stem for path in folder.glob("*.toml"))
    except (PipelineError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_open(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the alerts that are not closed."""
    return _offered(ctx, incomplete, "open,acknowledged")


def complete_closed(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the alerts that are closed."""
    return _offered(ctx, incomplete, "closed")


def complete_any(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the newest alerts."""
    return _offered(ctx, incomplete, "")


def complete_silence(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the silences that hold."""
    found = _asked(ctx, lambda api: list(api.get("silences")["silences"]))
    return [
        CompletionItem(row["id"][:_SHOWN], help=" ".join(filter(None, (row["rule"], about(row["grouping"])))))
        for row in found[:MOST_OFFERED]
        if row["id"].startswith(incomplete)
    ]


def _offered(ctx: click.Context, incomplete: str, state: str) -> list[CompletionItem]:
    found = _asked(ctx, lambda api: list(api.get("alerts", state=state, limit=MOST_OFFERED)["alerts"]))
    return [
        CompletionItem(
            row["id"][:_SHOWN], help=f"{row['severity']}: {row['title']}, {about(row['grouping'])}"
        )
        for row in found
        if row["id"].startswith(incomplete)
    ]


def _asked(ctx: click.Context, question: Callable[[ApiClient], list[Row]]) -> list[Row]:
    named: Path | None = ctx.params.get("data_dir")
    try:
        with ApiClient(resolve(named, "api").api, sleep=_not_waiting) as api:
            return question(api)
    except PipelineError:
        return []


def _not_waiting(_: float) -> NoReturn:
    msg = "nobody waits for a completion"
    raise StackUnavailable(msg)

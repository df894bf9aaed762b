"""`earwitness search`: find accesses in the trail."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from earwitness.cli.activity import show_activity
from earwitness.cli.client import ApiClient
from earwitness.cli.completing import QUERY_SETTINGS, QueryCommand, complete_query
from earwitness.cli.counting import MOST_VALUES_SHOWN, show_counts
from earwitness.cli.output import (
    VERDICT_STYLES,
    OutputFormat,
    console,
    lines,
    period_options,
    progressing,
    reading_options,
    second,
    tell,
    visible,
    write_rows,
)
from earwitness.cli.pointing import pointing
from earwitness.devstack.state import resolve
from earwitness.query.language import MalformedQuery, all_of, names_a_time, parse, quote, write
from earwitness.query.rows import ROW_FIELDS
from earwitness.query.summaries import MOST_VALUES
from earwitness.settings import ApiSettings
from models.errors import QueryRejected

PAGE_ROWS: Final = 1_000
MOST_ROWS: Final = 10_000_000

_OF_A_QUERY: Final = frozenset(':"()')
"""Where a word holds one of these it is a part of a query, and no text."""

Row = dict[str, Any]


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1, type=click.UNPROCESSED, shell_complete=complete_query)
@period_options("7d", "24h, unless QUERY names a time")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    default=100,
    show_default=True,
    metavar="N",
    help="Most rows.",
)
@click.option("--saved", metavar="NAME", help="Search by a saved query; QUERY narrows it further.")
@click.option(
    "--count-by",
    metavar="FIELDS",
    help="Count them in place of listing: by verdict, or verdict,actor,customer.",
)
@click.option("--activity", is_flag=True, help="Search what was asked of this system, in place of accesses.")
@reading_options
def search(  # noqa: PLR0913, PLR0917 - one for each option
    query: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    saved: str | None,
    count_by: str | None,
    activity: bool,  # noqa: FBT001 - a flag of the command
    output: OutputFormat,
    data_dir: Path | None,
) -> None:
    """Find accesses, newest first.

    \b
    Examples:
      earwitness search 'actor:e-1 -verdict:justified'
      earwitness search 'customer:acme type:sms_content,call_recording time:>=-7d'
      earwitness search 'verdict:unjustified time:2026-11-01..2026-11-08' --output csv > week.csv
      earwitness search 'bytes:>=1000000 -purpose:*'          much content, and no purpose declared
      earwitness search '(actor:e-1 OR team:night-*) reason:evidence_*'
      earwitness search 'TCK-1 time:>=-30d'                   text in any id, customer or evidence
      earwitness search --activity principal:ann --since 7d   what ann asked of this system
      earwitness search --activity customer:acme              who read about a customer
      earwitness search 'actor_type:vendor time:>=-7d' --count-by verdict,org
      earwitness search --saved vendors-last-week -verdict:justified

    QUERY is terms as field:value, all of which must hold. Commas separate alternatives, - negates, a * at
    the end stands for whatever follows, and quotes hold a value with spaces. Put it in single quotes, so
    that the shell leaves it as it is. Where neither it nor an option names a time, it is about the last 24
    hours. docs/query-language.md explains it all, and names the fields.
    """
    for word in query:
        if word.startswith("--"):
            raise click.NoSuchOption(
                word, possibilities=[name for each in search.params for name in each.opts if name[0] == "-"]
            )
    settings = resolve(data_dir, "api").api
    with ApiClient(settings) as api, pointing():
        if activity and (saved is not None or count_by is not None):
            raise click.UsageError("--saved and --count-by are about accesses, not about --activity")
        if activity:
            show_activity(api, query, since=since, until=until, limit=limit, output=output)
            return
        text = joined(query) if saved is None else narrowed(settings, saved, joined(query))
        if count_by is not None:
            bounds = {"since": since, "until": until}
            most = MOST_VALUES_SHOWN if output == "table" else MOST_VALUES
            asked = {"q": text, **bounds, "fields": count_by}
            show_counts(api.get("search", "facets", **asked, limit=most), output)
            return
        found = Found(api, text, since, until, limit)
        if output == "table":
            rows = list(progressing(found.rows()))
            if rows:
                console().print(accesses_table(rows))
        else:
            write_rows(progressing(found.rows()), ROW_FIELDS if output == "csv" else (), output)
        tell(found.summary())


def joined(words: tuple[str, ...]) -> str:
    """Make one query of the words that the shell gives.

    A word with spaces among others was one text in quotes, which the shell took off.
    """
    if len(words) == 1:
        return words[0]
    return " ".join(quote(word) if " " in word and not _OF_A_QUERY & set(word) else word for word in words)


def narrowed(settings: ApiSettings, name: str, query: str) -> str:
    """Give the query that is saved under a name, with another one that must hold as well."""
    with ApiClient(settings, shows=False) as api:
        found = api.find("searches", name)
    if found is None:
        raise QueryRejected(f"no search is saved as {name}", "`earwitness searches list` names them")
    return write(all_of((parse(found["query"]), parse(query))))


class Found:
    """A search under way: its rows, page by page, and what there is to say of it."""

    def __init__(self, api: ApiClient, query: str, since: str | None, until: str | None, limit: int) -> None:
        self._api = api
        self._query = query
        self._since, self._until = since, until
        self._limit = limit
        self._bounds: tuple[str | None, str | None] = (None, None)
        self._count = 0
        self._more = False

    def rows(self) -> Iterator[Row]:
        """Give the rows, asking for the next page when it is needed."""
        after: str | None = None
        while True:
            page = self._api.get(
                "search",
                q=self._query,
                since=self._since,
                until=self._until,
                limit=min(PAGE_ROWS, self._limit - self._count),
                after=after,
            )
            # The mark holds the instant at which the first page was asked, so a relative time stands still.
            after, self._bounds = page["next"], (page["since"], page["until"])
            self._count += len(page["rows"])
            self._more = after is not None
            yield from page["rows"]
            if after is None or self._count >= self._limit:
                return

    def summary(self) -> str:
        """Say how many accesses were found between when."""
        since, until = self._bounds
        begin = f"from {second(since)}" if since else "from the beginning of the trail"
        end = f" to {second(until)}" if until else ""
        found = f"{self._count} {'access' if self._count == 1 else 'accesses'}"
        more = f"; there are more: --limit shows further than {self._limit}" if self._more else ""
        further = "; --since 7d looks further back" if not self._count and self._is_of_the_last_day() else ""
        return f"{found} {begin}{end} UTC{more}{further}"

    def _is_of_the_last_day(self) -> bool:
        """Say whether nobody named a time, so that the search was about the last day alone."""
        if self._since or self._until:
            return False
        with suppress(MalformedQuery):  # a newer API may read what this command cannot
            return not names_a_time(parse(self._query))
        return False


def accesses_table(rows: list[Row]) -> Table:
    """Lay out accesses, two lines each, so that the id to go on with is there and the table fits."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("time (UTC), who\nid", width=36, overflow="fold")
    table.add_column("did what\nto", overflow="fold")
    table.add_column("customer\nevidence", overflow="fold")
    table.add_column("verdict\nclause or reason", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[Text, ...]:
    style = VERDICT_STYLES.get(row["verdict"], "")
    outcome = "" if row["outcome"] == "succeeded" else f"{row['outcome']} "
    evidence = ", ".join(row["evidence_used"]) or row["evidence_ref"] or "no evidence"
    return (
        lines(
            Text.assemble(second(row["time"]), "  ", visible(row["actor_id"], "bold")),
            visible(row["id"], "dim"),
        ),
        lines(
            Text.assemble(outcome, visible(row["action"]), " ", visible(row["resource_id"])),
            visible(row["resource_type"], "dim"),
        ),
        lines(
            visible("many or unknown" if row["customer_id"] == "*" else row["customer_id"]),
            visible(evidence, "dim"),
        ),
        lines(
            visible(f"{row['verdict']}{', late' if row['late'] else ''}", style),
            visible(row["clause"] if row["verdict"] == "justified" else row["reason"]),
            visible(_doubt(row), "yellow"),
        ),
    )


def _doubt(row: Row) -> str:
    """Name the registers that were overdue when the access was judged: its verdict may change yet."""
    return f"overdue then: {', '.join(row['stale_registers'])}" if row["stale_registers"] else ""

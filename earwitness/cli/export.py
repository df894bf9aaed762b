"""`earwitness export`: all that a query finds, into a file."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, get_args
from urllib.parse import unquote

import click

from earwitness.cli.client import ApiClient
from earwitness.cli.completing import QUERY_SETTINGS, QueryCommand, complete_query
from earwitness.cli.curl import show_curl_option
from earwitness.cli.export_files import Asked, Note, Target, go_on, settle
from earwitness.cli.output import period_options, tell
from earwitness.cli.pointing import pointing
from earwitness.cli.search import joined
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack.state import resolve
from earwitness.query.export_columns import Format
from earwitness.query.exporting import DEFAULT_PART_ROWS, MOST_PART_ROWS, NEXT_HEADER, QUERY_HEADER, Place
from models.errors import PipelineError, SinkUnavailable, StackUnavailable

MOST_CUTS: Final = 5
"""In a row, without a byte between them: then somebody should look."""

PAUSE_S: Final = 2.0
TELL_EVERY_BYTES: Final = 256 << 20


class NotWritten(PipelineError):
    """The disk did not take the export; the same command goes on with it."""


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1, type=click.UNPROCESSED, shell_complete=complete_query)
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(Format)),
    default="csv",
    show_default=True,
    help="Parquet becomes numbered files.",
)
@click.option(
    "--output",
    "path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where it goes.",
)
@period_options("7d", "24h, unless QUERY names a time")
@click.option(
    "--part-rows",
    type=click.IntRange(1, MOST_PART_ROWS),
    default=DEFAULT_PART_ROWS,
    show_default=True,
    metavar="N",
    help="About how many rows one file of Parquet has.",
)
@click.option("--restart", is_flag=True, help="Begin anew, over what is there.")
@show_curl_option
@data_dir_option
def export(  # noqa: PLR0913, PLR0917 - one for each option
    query: tuple[str, ...],
    form: Format,
    path: Path,
    since: str | None,
    until: str | None,
    part_rows: int,
    restart: bool,  # noqa: FBT001 - click gives it
    data_dir: Path | None,
) -> None:
    """Write all that a query finds into a file, however much it is.

    \b
    Examples:
      earwitness export 'actor_type:vendor time:>=-7d' --output vendors.csv
      earwitness export 'customer:acme time:>=-30d' --format jsonl --output acme.jsonl
      earwitness export 'time:2026-10-01..2026-10-31' --format parquet --output october.parquet

    QUERY is as in `earwitness search --help`. An export that was cut goes on where it was when the same
    command is given again: until it is complete, FILE is called FILE.part. Rows come in the order in which
    the trail is stored: by the day on which they were received, then by customer and time.
    """
    if str(path) == "-":
        raise click.UsageError("an export goes on after a cut, so it needs a file; `search --output` pipes")
    asked = Asked(query=joined(query), since=since, until=until, format=form)
    try:
        with ApiClient(resolve(data_dir, "api").api) as api, pointing():
            target = Target(path)
            work = Export(api, target, _opened(target, asked, restart=restart), part_rows)
            work.run()
    except OSError as error:
        why = error.strerror or error
        raise NotWritten(f"{path} cannot be written: {why}; what is there is kept") from error
    tell(work.summary())


def _opened(target: Target, asked: Asked, *, restart: bool) -> Note:
    """Find out whether there is something to go on with."""
    if restart:
        target.begin_anew()
    elif target.is_there():
        raise click.UsageError(f"{target.path} is there; --restart writes it anew")
    note = target.note()
    if note is None:
        target.part.unlink(missing_ok=True)
        return Note(asked=asked, query="")
    if note.asked != asked:
        raise click.UsageError(
            f"{target.part} was begun by another question: {note.asked.query!r} as {note.asked.format};"
            " ask the same to go on with it, or begin anew with --restart"
        )
    return note


class Export:
    """One export under way, which goes on by itself where a connection breaks."""

    def __init__(self, api: ApiClient, target: Target, note: Note, part_rows: int) -> None:
        self._api, self._target, self._note, self._part_rows = api, target, note, part_rows
        self._bytes = 0

    def run(self) -> None:
        """Write it all. Raises `StackUnavailable` or `SinkUnavailable` where that goes on failing."""
        cuts = 0
        while True:
            before = self._bytes
            try:
                self._go_on()
            except (StackUnavailable, SinkUnavailable) as error:
                cuts = 1 if self._bytes > before else cuts + 1
                if cuts >= MOST_CUTS or not self._bytes:
                    raise
                tell(f"{error}; going on")
                time.sleep(PAUSE_S * cuts)
            else:
                self._target.complete()
                return

    def summary(self) -> str:
        """Say what there is now."""
        if self._note.asked.format == "parquet":
            names = f"{self._target.numbered(1)} to {self._target.numbered(self._note.parts).name}"
            return (
                f"wrote {self._note.parts} files: {names}"
                if self._note.parts > 1
                else (f"wrote {self._target.numbered(1)}")
            )
        return f"wrote {self._target.path}: {self._target.path.stat().st_size:,} bytes"

    def _go_on(self) -> None:
        if self._note.asked.format != "parquet":
            self._append()
            return
        while self._part():
            pass

    def _append(self) -> None:
        part, form = self._target.part, self._note.asked.format
        place: Place | None = None
        if part.exists():
            place = go_on(part, form)
            if place:
                tell(f"going on with {part} at {part.stat().st_size:,} bytes")
        question = self._question()
        if place:
            question["after"] = place.written()
        with self._api.download("exports", **question) as answer:
            self._remember(answer.headers[QUERY_HEADER])
            self._write(part, answer.iter_bytes(), "ab" if place else "wb")

    def _part(self) -> bool:
        """Write the next file of Parquet; say whether there is one more."""
        question = {**self._question(), "after": self._note.after, "rows": self._part_rows}
        with self._api.download("exports", **question) as answer:
            self._remember(answer.headers[QUERY_HEADER])
            self._write(self._target.part, answer.iter_bytes(), "wb")
            more = answer.headers.get(NEXT_HEADER)
        number = self._note.parts + 1
        settle(self._target.part, self._target.numbered(number))
        self._note = self._note.model_copy(update={"parts": number, "after": more})
        self._target.write_note(self._note)
        return more is not None

    def _question(self) -> dict[str, str | int | None]:
        asked = self._note.asked
        if self._note.query:
            return {"q": self._note.query, "format": asked.format}
        return {"q": asked.query, "since": asked.since, "until": asked.until, "format": asked.format}

    def _remember(self, written: str) -> None:
        """Keep the query with the instants that its relative times meant: they stand still from here on."""
        if not self._note.query:
            self._note = self._note.model_copy(update={"query": unquote(written)})
            self._target.write_note(self._note)

    def _write(self, path: Path, pieces: Iterable[bytes], mode: str) -> None:
        told = self._bytes // TELL_EVERY_BYTES
        with path.open(mode) as stream:
            for piece in pieces:
                stream.write(piece)
                self._bytes += len(piece)
                if self._bytes // TELL_EVERY_BYTES > told:
                    told = self._bytes // TELL_EVERY_BYTES
                    tell(f"{self._bytes:,} bytes so far")

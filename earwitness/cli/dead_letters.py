"""`earwitness dead-letters`: what could not be accepted, and how to try again."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import click
from rich.table import Table
from rich.text import Text

from earwitness.cli import wiring
from earwitness.cli.client import ApiClient
from earwitness.cli.output import (
    OutputFormat,
    console,
    lines,
    output_options,
    reading_options,
    second,
    tell,
    visible,
    write_json,
    write_rows,
)
from earwitness.devstack.state import resolve
from models.errors import QueryRejected
from models.publisher import Message, Publisher
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from streams.publisher import KafkaPublisher

AT_ONCE: Final = 100
"""Letters that are fetched and published before the next are."""

MOST_REPLAYED: Final = 10_000
"""Letters of one reason that one command publishes again."""

ROLES: Final = {ACCESS_EVENTS: "producer", EVIDENCE_RECORDS: "register"}
"""As whom records of each topic are published again: Kafka lets nobody else."""

COLUMNS: Final = (
    "position",
    "received_at",
    "reason",
    "detail",
    "fields",
    "byte_count",
    "recorded_at",
)
Letter = dict[str, Any]


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that could not be accepted, with their reason, position and bytes.

    \b
    Examples:
      earwitness dead-letters list --reason invalid_field
      earwitness dead-letters show access.events.v1/3/1204
    """


@dead_letters.command(name="list")
@click.option("--reason", default="", metavar="R", help="Only those of this reason, as not_json.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Most letters."
)
@reading_options
def list_letters(reason: str, limit: int, output: OutputFormat, data_dir: Path | None) -> None:
    """List dead letters, newest first.

    \b
    Examples:
      earwitness dead-letters list
      earwitness dead-letters list --reason unknown_field --output jsonl
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        letters = api.get("dead-letters", reason=reason, limit=limit)["dead_letters"]
    if output != "table":
        write_rows(iter(letters), COLUMNS, output)
    elif letters:
        console().print(_letters_table(letters))
    if not letters:
        tell("there are no dead letters" + (f" of reason {reason}" if reason else ""))


@dead_letters.command()
@click.argument("position")
@reading_options
def show(position: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Show one dead letter with its bytes.

    \b
    Example:
      earwitness dead-letters show access.events.v1/3/1204

    POSITION is topic/partition/offset, as `list` gives it.
    """
    with ApiClient(resolve(data_dir, "api").api) as api:
        found = api.find("dead-letters", *_parts(position))
    if found is None:
        tell(f"there is no dead letter at {position}")
        raise click.exceptions.Exit(1)
    letter = found["dead_letter"]
    match output:
        case "table":
            console().print(_letter_table(letter))
        case "json":
            write_json(letter)
        case _:
            write_rows(iter([letter]), tuple(letter), output)


@dead_letters.command()
@click.argument("positions", nargs=-1, metavar="POSITION…")
@click.option("--reason", default="", metavar="R", help="Every dead letter of this reason instead.")
@output_options
def replay(positions: tuple[str, ...], reason: str, output: OutputFormat, data_dir: Path | None) -> None:
    """Publish dead letters again, byte for byte and with their headers, to the topics they came from.

    \b
    Examples:
      earwitness dead-letters replay access.events.v1/3/1204
      earwitness dead-letters replay --reason time_in_future

    The record gets a new position and is judged like any other; what is refused again is a new dead letter.

    """
    if bool(positions) == bool(reason):
        raise click.UsageError("name either positions or a --reason")
    with ApiClient(resolve(data_dir, "api").api) as api, Publishers(data_dir) as publishers:
        replaying = Replaying(api, publishers, list(positions) or _positions_of(api, reason))
        try:
            _write_replayed(replaying.rows(), output)
        finally:
            tell(f"{replaying.count} of {len(replaying.positions)} published again")
    for position in replaying.missing:
        tell(f"there is no dead letter at {position}")
    if replaying.missing:
        raise click.exceptions.Exit(1)


class Publishers:
    """One publisher for each topic, made when it is first needed, as the user who may write there."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._open: dict[str, Publisher] = {}

    def __enter__(self) -> Self:
        """Use the publishers."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close those that were made."""
        for publisher in self._open.values():
            publisher.close()

    def publish(self, letters: Sequence[Letter]) -> None:
        """Publish the letters again, each to its topic. Raises `BrokerUnavailable`."""
        for topic in dict.fromkeys(_topic(letter) for letter in letters):
            messages = [_message(letter) for letter in letters if _topic(letter) == topic]
            self._to(topic).publish(messages)

    def _to(self, topic: str) -> Publisher:
        if topic not in ROLES:
            raise QueryRejected(
                f"records of {topic} are not published again", f"only those of {' and '.join(ROLES)} are"
            )
        if topic not in self._open:
            settings = resolve(self._data_dir, ROLES[topic])
            self._open[topic] = KafkaPublisher(wiring.kafka(settings.kafka))
        return self._open[topic]


class Replaying:
    """Letters being published again, page by page; the API records each page before it gives the bytes."""

    def __init__(self, api: ApiClient, publishers: Publishers, positions: list[str]) -> None:
        self._api = api
        self._publishers = publishers
        self.positions = positions
        self.missing: list[str] = []
        self.count = 0

    def rows(self) -> Iterator[Letter]:
        """Give each letter once Kafka has acknowledged it."""
        for begin in range(0, len(self.positions), AT_ONCE):
            asked = self.positions[begin : begin + AT_ONCE]
            page = self._api.post("dead-letters", "replays", body={"positions": asked})
            self._publishers.publish(page["letters"])
            self.count += len(page["letters"])
            self.missing += page["missing"]
            for letter in page["letters"]:
                yield {"position": letter["position"], "reason": letter["reason"]}


def _positions_of(api: ApiClient, reason: str) -> list[str]:
    letters = api.get("dead-letters", reason=reason, limit=MOST_REPLAYED)["dead_letters"]
    if len(letters) == MOST_REPLAYED:
        tell(f"only the newest {MOST_REPLAYED} of reason {reason} are published again")
    return [letter["position"] for letter in reversed(letters)]


def _message(letter: Letter) -> Message:
    key, value = (base64.b64decode(letter[name]) for name in ("key_base64", "value_base64"))
    headers = [(name, base64.b64decode(header)) for name, header in letter["headers_base64"]]
    return Message(_topic(letter), key, value, {}, headers)


def _topic(letter: Letter) -> str:
    return str(letter["position"]).split("/", maxsplit=1)[0]


def _parts(position: str) -> list[str]:
    parts = position.split("/")
    if len(parts) != 3 or not all(parts):
        raise QueryRejected(
            f"{position!r} is no position", "write topic/partition/offset, as access.events.v1/3/1204"
        )
    return parts


def _write_replayed(rows: Iterator[Letter], output: OutputFormat) -> None:
    if output != "table":
        write_rows(rows, ("position", "reason"), output)
        return
    for row in rows:
        click.echo(f"{row['position']}  {row['reason']}")


def _letters_table(letters: list[Letter]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("position\nreceived (UTC)", overflow="fold")
    table.add_column("reason", no_wrap=True)
    table.add_column("what was wrong", overflow="fold")
    table.add_column("bytes", justify="right", no_wrap=True)
    for letter in letters:
        table.add_row(
            lines(visible(letter["position"]), visible(second(letter["received_at"]), "dim")),
            visible(letter["reason"], "red"),
            visible(letter["detail"]),
            visible(letter["byte_count"]),
        )
    return table


def _shown(entry: str | dict[str, str]) -> str:
    """Write one field's name, or one header."""
    if isinstance(entry, str):
        return entry
    return f"{entry['name']}={entry.get('value', entry.get('value_base64'))}"


def _letter_table(letter: Letter) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in letter.items():
        if value is not None and value != []:
            shown = ", ".join(map(_shown, value)) if isinstance(value, list) else value
            table.add_row(Text(name), visible(shown))
    return table

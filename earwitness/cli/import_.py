"""`earwitness import`: logs of other systems, published as access events."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import click
from earwitness_sdk import Forwarder

from earwitness.cli import sdk_wiring
from earwitness.cli.lines import ANSWERED_WITHIN_S, STDIN, Line, Published, publish_lines
from earwitness.cli.output import visible
from earwitness.cli.pseudonyms import pseudonym_option, read_pseudonyms
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack import state
from earwitness.importers.s3_access_log import HARMLESS, Pseudonym, Unused, convert, read_lines
from earwitness.importers.s3_mapping import S3Mapping, parse_mapping

Output = Literal["text", "json", "jsonl"]

MOST_LISTED: Final = 10_000
"""Lines listed in the JSON answer; stderr names every one."""

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_LOG = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@click.group(name="import")
def import_() -> None:
    """Turn the logs of other systems into access events.

    \b
    Example:
      earwitness import s3-access-log logs/2026-11-24-* --mapping s3-mapping.toml --dry-run
    """


@import_.command(name="s3-access-log")
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=_LOG)
@click.option("--mapping", required=True, type=_FILE, help="What buckets, keys and requesters stand for.")
@click.option("--dry-run", is_flag=True, help="Publish nothing; say what would be.")
@pseudonym_option
@data_dir_option
@click.option(
    "--output",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    show_default=True,
    help="How the result is told; jsonl: the events themselves.",
)
def s3_access_log(
    files: tuple[str, ...],
    mapping: Path,
    dry_run: bool,  # noqa: FBT001 - click passes it by name
    output: Output,
    **places: Path | None,
) -> None:
    """Publish S3 server access logs as access events; the same record is the same event every time.

    \b
    Examples:
      earwitness import s3-access-log logs/2026-11-24-* --mapping s3-mapping.toml
      earwitness import s3-access-log LOG --mapping M.toml --dry-run --output jsonl | earwitness judge -

    A line that gives no event is named with its reason. The exit code is 1 where one leaves an access
    out (not a record, or not mapped), not where it is no access to content or is ignored on purpose.

    """
    read = parse_mapping(mapping.read_bytes(), str(mapping))
    tally = Tally()
    pseudonyms = read_pseudonyms(places["pseudonym_key_file"])
    events = _events(files, Reader(read, None if pseudonyms is None else pseudonyms.of), tally)
    if output == "jsonl":
        events = _shown(events)
    published = _count(events) if dry_run else _publish(events, places["data_dir"])
    _report(published, tally, dry_run=dry_run, output=output)


class Reader:
    """Makes events of lines, by one mapping."""

    def __init__(self, mapping: S3Mapping, pseudonym: Pseudonym | None) -> None:
        self._mapping = mapping
        self._pseudonym = pseudonym

    def read(self, line: bytes) -> bytes | Unused:
        """Give the event of one line as JSON, or say why there is none."""
        found = convert(line, self._mapping, self._pseudonym)
        return found if isinstance(found, Unused) else found.model_dump_json(exclude_none=True).encode()


class Tally:
    """Counts every line, and names on stderr each that gave no event and is not ignored on purpose."""

    def __init__(self) -> None:
        self.lines = 0
        self.reasons: Counter[str] = Counter()
        self.listed: list[dict[str, Any]] = []

    def name(self, file: str, number: int, unused: Unused) -> None:
        """Take note of a line without an event."""
        self.reasons[unused.reason] += 1
        if unused.reason == "ignored":
            return
        click.echo(f"{file}:{number}: {unused.reason}: {visible(unused.detail).plain}", err=True)
        if len(self.listed) < MOST_LISTED:
            self.listed.append({"file": file, "line": number, **unused._asdict()})

    @property
    def left_out(self) -> int:
        """How many lines may have told of an access that is not published."""
        return sum(count for reason, count in self.reasons.items() if reason not in HARMLESS)


def _events(files: tuple[str, ...], reader: Reader, tally: Tally) -> Iterator[Line]:
    for name in files:
        with _opened(name) as stream:
            for number, text in enumerate(read_lines(stream), start=1):
                if not text.strip():
                    continue
                tally.lines += 1
                found = reader.read(text)
                if isinstance(found, Unused):
                    tally.name(name, number, found)
                else:
                    yield Line(name, number, found)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as stream:
        yield stream


def _shown(events: Iterator[Line]) -> Iterator[Line]:
    for event in events:
        click.echo(event.text)
        yield event


def _count(events: Iterator[Line]) -> Published:
    return Published(read=sum(1 for _ in events), acknowledged=0, faults=[])


def _publish(events: Iterator[Line], data_dir: Path | None) -> Published:
    kafka = state.resolve(data_dir, "producer").kafka
    forwarder = Forwarder(kafka=sdk_wiring.kafka(kafka))
    try:
        return publish_lines(events, forwarder.submit)
    finally:
        forwarder.close(ANSWERED_WITHIN_S)


def _report(published: Published, tally: Tally, *, dry_run: bool, output: Output) -> None:
    """Say what became of the lines; exit 1 where an access was left out."""
    for fault in published.faults:
        click.echo(f"{fault.file}:{fault.line}: {fault.message}", err=True)
    if output == "json":
        told = {
            "lines": tally.lines,
            "events": published.read,
            "acknowledged": published.acknowledged,
            "left_out": tally.left_out,
            "reasons": dict(sorted(tally.reasons.items())),
            "unused": tally.listed,
            "errors": [fault._asdict() for fault in published.faults],
        }
        click.echo(json.dumps(told))
    else:
        click.echo(_in_words(published, tally, dry_run=dry_run), err=output == "jsonl")
    if tally.left_out or not (dry_run or published.complete):
        sys.exit(1)


def _in_words(published: Published, tally: Tally, *, dry_run: bool) -> str:
    done = "would be published" if dry_run else f"found, {published.acknowledged} acknowledged"
    lines = [f"{published.read} events in {tally.lines} lines {done}"]
    lines += [
        f"  {count} {'passed over' if reason in HARMLESS else 'left out'}: {reason}"
        for reason, count in sorted(tally.reasons.items())
    ]
    return "\n".join(lines)

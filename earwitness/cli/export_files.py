"""Files of an export: whole ones, and those that a cut left behind, to go on with.

What is written has `.part` at the end of its name until it is complete. Beside it, a note says what was
asked for; the place to go on from is read from the last whole record itself.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from earwitness.query.csv_cells import original
from earwitness.query.export_columns import Format
from earwitness.query.exporting import Place
from earwitness.query.rows import ROW_FIELDS
from models.errors import ConfigurationError

BLOCK_BYTES: Final = 1 << 20
_KEY: Final = ("received_at", "customer_id", "time", "id", "source")


class Asked(BaseModel):
    """What a person asked for: going on is for the same question only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str
    since: str | None
    until: str | None
    format: Format


class Note(BaseModel):
    """What is known of an export that is not complete. `query` has no relative times any more.

    `parts` are those of Parquet that are complete, and `after` is the place after them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: Asked
    query: str
    parts: int = 0
    after: str | None = None


class Tail(NamedTuple):
    """Where the last whole record of a file begins and ends; both 0 where there is none."""

    begin: int
    end: int


class Target:
    """The files of one export."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._note = path.with_name(f"{path.name}.part.json")

    def numbered(self, number: int) -> Path:
        """Give the name of one part of Parquet."""
        return self.path.with_name(f"{self.path.stem}-{number:05}{self.path.suffix}")

    def is_there(self) -> bool:
        """Say whether a complete export of that name is there."""
        return self.path.exists() or (self.numbered(1).exists() and not self._note.exists())

    def note(self) -> Note | None:
        """Read what is known of an export that was cut; None where there was none.

        Raises `ConfigurationError` where the note is none of ours.
        """
        try:
            return Note.model_validate_json(self._note.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise ConfigurationError([f"{self._note} is no note of an export: delete it"]) from error

    def write_note(self, note: Note) -> None:
        """Keep what is known, whole or not at all."""
        written = self._note.with_name(f"{self._note.name}.new")
        written.write_text(note.model_dump_json(indent=2) + "\n")
        written.replace(self._note)

    def begin_anew(self) -> None:
        """Forget an export that was cut, and the parts of Parquet, of which there may be fewer now."""
        self._note.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)
        number = 1
        while self.numbered(number).exists():
            self.numbered(number).unlink()
            number += 1

    def complete(self) -> None:
        """Give the file its name, once all of it is on the disk."""
        if self.part.exists():
            settle(self.part, self.path)
        self._note.unlink(missing_ok=True)


def settle(written: Path, path: Path) -> None:
    """Rename what is written to what it is, once it is on the disk."""
    with written.open("rb") as stream:
        os.fsync(stream.fileno())
    written.replace(path)


def go_on(path: Path, form: Format) -> Place | None:
    """Cut a file after its last whole record; give the place after that, None where there is none."""
    with path.open("r+b") as stream:
        tail = last_record(stream, quoted=form == "csv")
        stream.seek(tail.begin)
        record = stream.read(tail.end - tail.begin)
        place = _place(record, form) if tail.begin or form == "jsonl" else None
        stream.truncate(tail.end if place else 0)
    return place


def last_record(stream: BinaryIO, *, quoted: bool) -> Tail:
    """Find the last record that is whole. In CSV, a line feed within quotes ends none."""
    tail, at, open_quote = Tail(0, 0), 0, False
    while block := stream.read(BLOCK_BYTES):
        for end in reversed(list(_ends(block, quoted=quoted, open_quote=open_quote))):
            tail = Tail(tail.end, at + end)
        open_quote ^= quoted and block.count(b'"') % 2 == 1
        at += len(block)
    return tail


def _ends(block: bytes, *, quoted: bool, open_quote: bool) -> Iterator[int]:
    """Give where the last two records of a block end, the last one first."""
    found, end = 0, len(block)
    quotes = block.count(b'"') if quoted else 0
    while found < 2 and (at := block.rfind(b"\n", 0, end)) >= 0:
        if quoted:
            quotes -= block.count(b'"', at, end)
        if (quotes + open_quote) % 2 == 0:
            yield at + 1
            found += 1
        end = at


def _place(record: bytes, form: Format) -> Place | None:
    if not record:
        return None
    if form == "jsonl":
        return Place.after(json.loads(record))
    cells = next(csv.reader(io.StringIO(record.decode(), newline="")))
    row = dict(zip(ROW_FIELDS, cells, strict=True))
    return Place.after({name: original(row[name]) for name in _KEY})

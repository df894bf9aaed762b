"""Rows of files read as records by a mapping; what cannot be used is named, and costs no other row."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Literal

from earwitness.cli.lines import LARGEST_LINE_BYTES, MOST_FAULTS, STDIN, Fault, read_lines, shown
from earwitness.registers.mapping import RegisterMapping
from earwitness.registers.paths import Row
from earwitness.registers.reading import Reader, RowRefused
from earwitness.registers.rows import csv_rows, json_row
from models.errors import ConfigurationError
from models.evidence import EvidenceRecord

MOST_RECORDS: Final = 1_000_000
"""Records in one load: they are compared with what is held before any is published."""

_FORMATS: Final[dict[str, Literal["csv", "jsonl"]]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


class Told:
    """What files tell by one mapping: each ref once, and none that is told of in two ways."""

    def __init__(self, reader: Reader) -> None:
        self.rows = self.passed_over = self.refused = 0
        self.faults: list[Fault] = []
        self._reader = reader
        self._records: dict[str, EvidenceRecord] = {}
        self._places: dict[str, tuple[str, int]] = {}

    @property
    def records(self) -> list[EvidenceRecord]:
        """The records, in the order in which their refs were first told of."""
        return list(self._records.values())

    def read(self, files: Iterable[str]) -> None:
        """Read whole files. Raises `ConfigurationError` where one cannot be what the mapping is for."""
        for name in files:
            if _format(name, self._reader.mapping) == "csv":
                self._read_csv(name)
            else:
                self._read_json(name)

    def _read_csv(self, name: str) -> None:
        mapping = self._reader.mapping
        with _opened(name) as stream:
            for found in csv_rows(_decoded(stream), mapping.delimiter, mapping.paths, _called(name)):
                self.rows += 1
                if found.row is None:
                    more = "; nothing after it was read" if found.ends else ""
                    self._refuse(name, found.line, [("row", found.fault + more)])
                else:
                    self._take(name, found.line, found.row)

    def _read_json(self, name: str) -> None:
        for line in read_lines([name]):
            self.rows += 1
            if len(line.text) > LARGEST_LINE_BYTES:
                self._refuse(name, line.number, [("line", f"is longer than {LARGEST_LINE_BYTES} bytes")])
                continue
            try:
                row = json_row(line.text)
            except ValueError as error:
                self._refuse(name, line.number, [("line", str(error))])
                continue
            self._take(name, line.number, row)

    def _take(self, name: str, number: int, row: Row) -> None:
        try:
            record = self._reader.read(row)
        except RowRefused as error:
            self._refuse(name, number, error.faults)
            return
        if record is None:
            self.passed_over += 1
            return
        if len(self._places) >= MOST_RECORDS:
            raise ConfigurationError(
                [f"{_called(name)}:{number}: one load takes {MOST_RECORDS} records at most"]
            )
        self._keep(name, number, record)

    def _keep(self, name: str, number: int, record: EvidenceRecord) -> None:
        first = self._places.setdefault(record.ref, (name, number))
        if first == (name, number):
            self._records[record.ref] = record
            return
        if self._records.get(record.ref) == record:
            return
        if self._records.pop(record.ref, None) is not None:
            self._refuse(*first, [("ref", f"is told of in another way in line {number}; neither counts")])
        self._refuse(name, number, [("ref", f"is told of in another way in line {first[1]}; neither counts")])

    def _refuse(self, name: str, number: int, faults: Iterable[tuple[str, str]]) -> None:
        self.refused += 1
        for field, message in faults:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(Fault(_called(name), number, shown(field), shown(message)))


def _format(name: str, mapping: RegisterMapping) -> Literal["csv", "jsonl"]:
    if mapping.format is not None:
        return mapping.format
    found = _FORMATS.get(Path(name).suffix.lower())
    if found is None:
        known = ", ".join(_FORMATS)
        raise ConfigurationError(
            [f"{_called(name)}: ends in none of {known}: say format = 'csv' or 'jsonl' in the mapping"]
        )
    return found


def _called(name: str) -> str:
    return "standard input" if name == STDIN else name


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as stream:
        yield stream


def _decoded(stream: BinaryIO) -> Iterator[str]:
    """Give the lines of a CSV file as text; a byte order mark is none of it."""
    encoding = "utf-8-sig"
    while line := stream.readline(LARGEST_LINE_BYTES):
        yield line.decode(encoding)
        encoding = "utf-8"

"""A file that was cut anywhere goes on after its last whole record, and is then what it would have been."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.cli import export_files
from earwitness.cli.export_files import Asked, Note, Target, go_on, last_record
from earwitness.query.csv_cells import neutral
from earwitness.query.export_columns import CSV_HEADER, Format
from earwitness.query.exporting import Place
from earwitness.query.rows import ROW_FIELDS
from models.errors import ConfigurationError

WORDS = st.text("a'=+-@\"\n\r,;\t é", max_size=6)


def a_row(number: int, customer_id: str, actor_id: str) -> dict[str, Any]:
    moment = f"2026-03-01T10:00:{number:02}.000001Z"
    return dict.fromkeys(ROW_FIELDS, None) | {
        "id": f"0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b{number:02}",
        "source": "/services/sms-api",
        "customer_id": f"{customer_id}c",
        "actor_id": actor_id,
        "time": moment,
        "received_at": moment,
    }


ROWS = st.lists(st.tuples(WORDS, WORDS), max_size=6).map(
    lambda pairs: [a_row(number, *pair) for number, pair in enumerate(pairs)]
)


def written(rows: list[dict[str, Any]], form: Format) -> list[bytes]:
    if form == "jsonl":
        return [json.dumps(row).encode() + b"\n" for row in rows]
    lines = []
    for row in rows:
        line = io.StringIO()
        cells = [neutral(value) if isinstance(value, str) else value for value in row.values()]
        csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
        lines.append(line.getvalue().encode())
    return lines


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@given(data=st.data(), rows=ROWS)
def test_a_cut_costs_no_record_and_doubles_none(
    tmp_path_factory: pytest.TempPathFactory, form: Format, data: st.DataObject, rows: list[dict[str, Any]]
) -> None:
    """Wherever the bytes end: within a record, within quotes, or between two records."""
    records = written(rows, form)
    header = CSV_HEADER if form == "csv" else b""
    whole = header + b"".join(records)
    path = tmp_path_factory.mktemp("cut") / "file"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)), label="cut at")])
    place = go_on(path, form)
    at = next((number for number, row in enumerate(rows) if Place.after(row) == place), -1) + 1
    assert (place is None) == (at == 0)
    if place is None:
        assert path.read_bytes() == b""
        return
    with path.open("ab") as stream:
        stream.write(b"".join(records[at:]))
    assert path.read_bytes() == whole


@given(
    st.binary(max_size=60).map(lambda text: text.replace(b"\r", b"\n").replace(b"x", b'"')), st.integers(1, 9)
)
def test_blocks_do_not_matter(content: bytes, block: int) -> None:
    """What is found is the same however much is read at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_files, "BLOCK_BYTES", block)
        for quoted in (False, True):
            assert last_record(io.BytesIO(content), quoted=quoted) == slowly(content, quoted=quoted)


def slowly(content: bytes, *, quoted: bool) -> tuple[int, int]:
    begin = end = 0
    for at, byte in enumerate(content, start=1):
        if byte == ord("\n") and not (quoted and content[:at].count(b'"') % 2):
            begin, end = end, at
    return begin, end


def test_a_note_that_is_none_is_named(tmp_path: Path) -> None:
    """Somebody else's file must not be taken for the state of an export."""
    target = Target(tmp_path / "x.csv")
    assert target.note() is None
    (tmp_path / "x.csv.part.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="is no note of an export"):
        target.note()


def test_only_whole_files_have_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """Who finds it may take it for all there is."""
    target = Target(tmp_path / "x.csv")
    note = Note(asked=Asked(query="actor:e-1", since=None, until=None, format="csv"), query="actor_id:e-1")
    target.write_note(note)
    target.part.write_bytes(CSV_HEADER)
    assert (target.is_there(), target.note()) == (False, note)
    target.complete()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]
    assert target.is_there()

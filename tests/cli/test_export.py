"""The command writes whole files, and goes on where it was cut."""

import csv
import io
import json
from pathlib import Path

import pytest

from earwitness.query.rows import ROW_FIELDS
from tests.api.world import World
from tests.cli.conftest import Run

pytestmark = pytest.mark.stack


def test_a_file_has_its_name_when_it_is_whole(ask: Run, world: World, tmp_path: Path) -> None:
    """And nothing else is left beside it."""
    path = tmp_path / "acme.csv"
    ran = ask("export", f"customer:{world.customer_id}", "--output", str(path))
    assert (ran.exit_code, ran.out) == (0, "")
    assert f"wrote {path}" in ran.err
    table = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    assert tuple(table[0]) == ROW_FIELDS
    assert [row["id"] for row in table] == [event["id"] for event in world.events]
    assert [entry.name for entry in tmp_path.iterdir()] == ["acme.csv"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_was_cut_is_gone_on_with(ask: Run, world: World, tmp_path: Path, form: str) -> None:
    """The same command again gives the file that there would have been."""
    whole, again = tmp_path / "whole", tmp_path / "again"
    question = ("export", f"customer:{world.customer_id} time:>=-9h", "--format", form, "--output")
    ask(*question, str(whole))
    content = whole.read_bytes()
    part, note = tmp_path / "again.part", tmp_path / "again.part.json"
    part.write_bytes(content[: len(content) // 2])
    asked = {"query": question[1], "since": None, "until": None, "format": form}
    note.write_text(json.dumps({"asked": asked, "query": f"customer:{world.customer_id} time:>=2020-01-01"}))
    other = ask("export", "customer:globex", "--format", form, "--output", str(again))
    assert other.exit_code == 2
    assert "was begun by another question" in other.err
    ran = ask(*question, str(again))
    assert ran.exit_code == 0, ran.err
    assert "going on with" in ran.err
    assert again.read_bytes() == content


def test_parquet_becomes_numbered_files(ask: Run, world: World, tmp_path: Path) -> None:
    """Each is whole; asked for anew, fewer of them leave none of the old ones."""
    question = (
        "export",
        f"customer:{world.customer_id}",
        "--format",
        "parquet",
        "--output",
        str(tmp_path / "x.parquet"),
    )
    assert ask(*question, "--part-rows", "1").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"x-0000{number}.parquet" for number in (1, 2, 3)
    ]
    assert ask(*question).exit_code == 2
    assert ask(*question, "--restart").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x-00001.parquet"]


def test_a_fault_in_the_query_is_pointed_at(ask: Run, tmp_path: Path) -> None:
    """As `search` does, and no file is begun."""
    ran = ask("export", "actr:e-1", "--output", str(tmp_path / "x.csv"))
    assert ran.exit_code == 2
    assert "^^^^" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_said(ask: Run, tmp_path: Path) -> None:
    """In a line, without a trace; and an export is no pipe, for a pipe could not be gone on with."""
    nowhere = tmp_path / "none" / "e.csv"
    ran = ask("export", "verdict:pending", "--output", str(nowhere))
    assert (ran.exit_code, ran.out) == (1, "")
    assert f"{nowhere} cannot be written: No such file or directory" in ran.err
    piped = ask("export", "verdict:pending", "--output", "-")
    assert piped.exit_code == 2
    assert "needs a file" in piped.err

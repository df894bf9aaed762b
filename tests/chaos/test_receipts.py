"""What a producer was told outlives it, and half of it is nothing."""

import random
from pathlib import Path
from uuid import UUID

from benchmarks.chaos import receipts
from benchmarks.chaos.receipts import Past, Receipts


def test_what_was_acknowledged_is_read_back_by_kind(tmp_path: Path) -> None:
    """Copies and malformed records are counted apart: they are no accesses of their own."""
    noted = Receipts(tmp_path, "bulk-1")
    noted.note("bulk", UUID(int=1))
    noted.note("sdk", UUID(int=2))
    noted.note("copies", UUID(int=1))
    assert receipts.read(tmp_path, "bulk", "sdk") == {UUID(int=1).bytes, UUID(int=2).bytes}
    assert receipts.count(tmp_path, "copies") == 1


def test_half_an_id_was_not_acknowledged(tmp_path: Path) -> None:
    """A kill may come while it is written."""
    Receipts(tmp_path, "bulk-1").note("bulk", UUID(int=1))
    (file,) = tmp_path.glob("bulk.*.ids")
    with file.open("ab") as growing:
        growing.write(UUID(int=2).bytes[:9])
    assert receipts.read(tmp_path, "bulk") == {UUID(int=1).bytes}
    assert receipts.count(tmp_path, "bulk") == 1


def test_a_copy_is_drawn_from_any_round(tmp_path: Path) -> None:
    """Copies that come days later, or from another process, are drawn from all that was acknowledged."""
    for number in (1, 2):
        folder = tmp_path / f"{number:05d}"
        folder.mkdir()
        Receipts(folder, "bulk-1").note("bulk", UUID(int=number))
    chance = random.Random(1)  # noqa: S311 - to be repeated
    drawn = {receipts.pick(tmp_path, ("bulk", "direct"), chance) for _ in range(50)}
    assert drawn == {Past(UUID(int=1), 1), Past(UUID(int=2), 2)}

"""The report of a campaign: added up from its rounds, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.chaos.journal import Ended, Journal, Round


class Totals(NamedTuple):
    """All rounds of a campaign that are over."""

    rounds: int
    took_s: float
    kills: int
    through_sdk: int
    in_bulk: int
    rows: int
    unacknowledged_rows: int
    lost: int
    doubled: int
    wrong: int
    looks: int
    offsets: int
    duplicates: int
    letters: int
    copies: int
    ranges: int
    longest_stall_s: float
    longest_wait_s: float
    recoveries: Sequence[float]

    @property
    def acknowledged(self) -> int:
        """Accesses that producers were told are durable."""
        return self.through_sdk + self.in_bulk


def add_up(journal: Journal) -> Totals:
    """Add up the rounds that are over."""
    over = _over(journal)
    ends = [ended for _, ended in over]
    return Totals(
        rounds=len(over),
        took_s=sum(each.took_s for each in ends),
        kills=sum(met.action == "kill" for at, _ in over for met in at.faults),
        through_sdk=sum(each.acknowledged_through_sdk for each in ends),
        in_bulk=sum(each.acknowledged_in_bulk for each in ends),
        rows=sum(each.rows for each in ends),
        unacknowledged_rows=sum(each.unacknowledged_rows for each in ends),
        lost=sum(len(each.lost) for each in ends),
        doubled=sum(len(each.doubled) + each.doubled_meanwhile for each in ends),
        wrong=sum(len(each.wrong) for each in ends),
        looks=sum(each.looks for each in ends),
        offsets=sum(each.offsets for each in ends),
        duplicates=sum(each.duplicates for each in ends),
        letters=sum(each.letters for each in ends),
        copies=sum(each.acknowledged_copies for each in ends),
        ranges=sum(each.ranges for each in ends),
        longest_stall_s=max((each.longest_stall_s for each in ends), default=0.0),
        longest_wait_s=max((each.longest_wait_s for each in ends), default=0.0),
        recoveries=sorted(second for each in ends for one in each.recoveries for second in one.seconds),
    )


def is_wrong(journal: Journal) -> bool:
    """Say whether any round came out wrong."""
    return any(not ended.right for _, ended in _over(journal))


def write(journal: Journal, path: Path) -> None:
    """Write the report, and beside it the same figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(in_words(journal), encoding="utf-8")
    figures = {
        **add_up(journal)._asdict(),
        "rounds": [
            {**at.begun.model_dump(exclude={"since"}), **ended.model_dump()} for at, ended in _over(journal)
        ],
        "faults": [met._asdict() for at, _ in _over(journal) for met in at.faults],
    }
    (journal.folder.parent / "report.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def in_words(journal: Journal) -> str:
    return "TODO\n"


def _over(journal: Journal) -> list[tuple[Round, Ended]]:
    return [(at, ended) for at in journal.rounds if (ended := at.ended) is not None]

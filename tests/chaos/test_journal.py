"""A campaign goes on, on this machine or on another."""

from pathlib import Path

from benchmarks.chaos.journal import Begun, Ended, Journal

RIGHT = Ended(
    took_s=1.0,
    right=True,
    acknowledged_through_sdk=1,
    acknowledged_in_bulk=2,
    acknowledged_by_kafka=3,
    rows=3,
    unacknowledged_rows=0,
    offsets=3,
    duplicates=0,
    letters=0,
    acknowledged_copies=0,
    ranges=1,
    lost=(),
    doubled=(),
    doubled_meanwhile=0,
    looks=1,
    wrong=(),
    longest_stall_s=0.0,
    longest_wait_s=0.0,
    drained_in_s=0.0,
    recoveries=(),
    worker_failures=(),
    interrupted=False,
)


def begin(journal: Journal, number: int) -> None:
    journal.round(number).begin(Begun(number=number, profile="kills", seed=number, began_at=0.0, since={}))


def test_rounds_that_are_over_are_kept_without_their_receipts(tmp_path: Path) -> None:
    """Receipts are large, and prove nothing once the tables are gone."""
    journal = Journal(tmp_path / "here", kept=tmp_path / "kept")
    begin(journal, 1)
    (journal.round(1).folder / "sdk.ids").write_bytes(b"an id")
    journal.round(1).end(RIGHT)
    begin(journal, 2)
    journal.keep()
    assert sorted(path.name for path in (tmp_path / "kept").rglob("*.*")) == ["begun.json", "verdict.json"]


def test_a_campaign_goes_on_elsewhere_behind_the_rounds_that_are_kept(tmp_path: Path) -> None:
    """What is kept counts once, also where it was made."""
    kept = tmp_path / "kept"
    here = Journal(tmp_path / "here", kept)
    begin(here, 1)
    here.round(1).end(RIGHT)
    here.keep()
    assert [at.ended for at in here.rounds] == [RIGHT]
    elsewhere = Journal(tmp_path / "elsewhere", kept)
    begin(elsewhere, 2)
    assert [(at.begun.number, at.ended) for at in elsewhere.rounds] == [(1, RIGHT), (2, None)]

import io
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from earwitness.demo import trail
from earwitness.demo.compare import StoredVerdict
from earwitness.demo.day import Day, simulate
from earwitness.demo.labels import LabelledAccess
from earwitness.demo.progress import Progress, Report
from earwitness.demo.run import run_day
from models import EvidenceRecord


class FakePipeline:
    """Stores what is recorded, each access with its label as verdict, unless told otherwise."""

    def __init__(self) -> None:
        self.refs: set[str] = set()
        self.rows: list[StoredVerdict] = []

    def register(self, evidence: Sequence[EvidenceRecord], report: Report) -> None:
        """Keep the evidence."""
        self.refs.update(record.ref for record in evidence)
        report("all")

    def record(self, accesses: Sequence[LabelledAccess], report: Report) -> None:
        """Store the accesses."""
        assert self.refs, "evidence comes first: an access is judged by what is known when it arrives"
        for access in accesses:
            label = access.label
            self.rows.append(StoredVerdict(access.id, label.verdict, label.reason, label.clause or ""))
        report("all")

    def ask(self, query: str, limit: int) -> Sequence[Sequence[Any]]:
        """Answer the three questions that the demo asks."""
        if "uniqExact(ref)" in query:
            return [[len(self.refs)]]
        if "uniqExact(id)" in query:
            return [[len({row.id for row in self.rows})]]
        after = re.search(r"toUUID\('(.+?)'\)", query)
        assert after is not None
        later = sorted(row for row in self.rows if row.id > after[1])
        page = later[: trail.PAGE]
        ties = [row for row in later[trail.PAGE :] if page and row.id == page[-1].id]
        assert len(page) + len(ties) <= limit
        return page + ties


@pytest.fixture(scope="module")
def day() -> Day:
    """Make the smallest day."""
    return simulate(datetime(2026, 3, 1, 12, tzinfo=UTC), seed=2, accesses=500)


@pytest.fixture
def pipeline() -> FakePipeline:
    """Start with nothing stored."""
    return FakePipeline()


@pytest.fixture
def screen() -> io.StringIO:
    """Catch what a person sees."""
    return io.StringIO()


@pytest.fixture
def progress(screen: io.StringIO) -> Progress:
    """Tell the steps to that screen."""
    return Progress(Console(file=screen, width=110))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "STORING_LIMIT_S", 0.05)
    monkeypatch.setattr(trail, "POLL_S", 0.01)


def test_a_day_that_is_judged_as_labelled_holds_no_surprise(
    day: Day, pipeline: FakePipeline, progress: Progress
) -> None:
    """The demo ends well only where every access is stored once and judged as labelled."""
    outcome = run_day(day, pipeline, progress)
    assert not outcome.surprises
    assert len(outcome.rows) == len(day.accesses)


def test_an_access_that_never_arrives_is_named_and_not_waited_for_for_ever(
    day: Day, pipeline: FakePipeline, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hang is a failure, and so is an incomplete trail."""
    lost = day.accesses[7]
    record = FakePipeline.record
    kept = [access for access in day.accesses if access.id != lost.id]
    monkeypatch.setattr(FakePipeline, "record", lambda self, _, report: record(self, kept, report))
    (surprise,) = run_day(day, pipeline, progress).surprises
    assert (surprise.access.id, surprise.found) == (lost.id, ())


@pytest.mark.parametrize("page", [1, 7, 5_000])
def test_a_doubled_access_is_found_at_any_edge_of_a_page(
    day: Day, pipeline: FakePipeline, progress: Progress, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Pages are cut by id: copies must not fall between two of them."""
    monkeypatch.setattr(trail, "PAGE", page)
    run_day(day, pipeline, progress)
    doubled = sorted(pipeline.rows)[6]
    pipeline.rows.append(doubled)
    found = Counter(row.id for row in trail.stored_verdicts(pipeline.ask, day.tag))
    assert [access_id for access_id, count in found.items() if count > 1] == [doubled.id]
    assert len(found) == len(day.accesses)


def test_each_step_is_told_with_the_time_it_took(
    day: Day, pipeline: FakePipeline, progress: Progress, screen: io.StringIO
) -> None:
    """Two minutes without a word would look like a hang."""
    run_day(day, pipeline, progress)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4
    assert all(re.search(r"✓ .+ \(\d+\.\d s\)$", line) for line in lines)

"""The month as the product sees it: each access judged at its moment, and again when evidence comes."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from benchmarks.alert_quality.company import Known
from benchmarks.alert_quality.deeds import Deed
from benchmarks.alert_quality.month import Day
from earwitness.policy import EvidenceIndex, PolicySet, judge
from models.evidence import EvidenceRecord
from models.verdict import Verdict

RECEIVED_AFTER: Final = timedelta(milliseconds=400)
JUDGED_AFTER: Final = timedelta(milliseconds=200)
GRACE: Final = timedelta(hours=24, seconds=1)
JUSTIFIED: Final = "justified"


class Given(NamedTuple):
    """A verdict as it was given; `first` for the row of the access itself."""

    deed: Deed
    verdict: Verdict
    version: int
    received_at: datetime
    judged_at: datetime
    first: bool


class Registered(NamedTuple):
    """A record as a worker recorded it."""

    record: EvidenceRecord
    version: int
    at: datetime


class _Open(NamedTuple):
    """An access that nothing justifies so far, and its verdicts: the first, and the last."""

    deed: Deed
    received_at: datetime
    verdict: list[Verdict]


class Court:
    """Judges the days of a month in their order."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        self._index = EvidenceIndex()
        self._version = 0
        self._by_ref: dict[str, list[_Open]] = defaultdict(list)
        self._by_customer: dict[str, list[_Open]] = defaultdict(list)
        self._expiring: list[tuple[datetime, int, _Open]] = []
        self._count = 0

    def sit(self, day: Day) -> Iterator[Given | Registered]:
        """Give what is stored of one day, in the order in which it happened."""
        told = list(day.told)
        for deed in day.deeds:
            received_at = deed.event.time + RECEIVED_AFTER
            while told and told[0].at <= received_at:
                yield from self._learn(told.pop(0))
            yield from self._expire(received_at)
            yield self._first(deed, received_at)
        for known in told:
            yield from self._learn(known)

    def _first(self, deed: Deed, received_at: datetime) -> Given:
        judged_at = received_at + JUDGED_AFTER
        verdict = self._judged(deed, received_at, judged_at)
        if verdict.outcome != JUSTIFIED:
            access = _Open(deed, received_at, [verdict])
            if deed.event.evidence_ref:
                self._by_ref[deed.event.evidence_ref].append(access)
            self._by_customer[deed.event.customer_id].append(access)
            if verdict.outcome == "pending":
                self._count += 1
                heapq.heappush(self._expiring, (received_at + GRACE, self._count, access))
        return Given(deed, verdict, self._version, received_at, judged_at, first=True)

    def _learn(self, known: Known) -> Iterator[Given | Registered]:
        self._version += 1
        self._index.put(known.record, self._version)
        yield Registered(known.record, self._version, known.at)
        reached = {id(access): access for access in self._by_ref.get(known.record.ref, ())}
        for customer in known.record.customer_ids:
            reached |= {id(access): access for access in self._by_customer.get(customer, ())}
        for access in reached.values():
            yield from self._again(access, known.at)

    def _expire(self, now: datetime) -> Iterator[Given]:
        while self._expiring and self._expiring[0][0] <= now:
            at, _, access = heapq.heappop(self._expiring)
            yield from self._again(access, at)

    def _again(self, access: _Open, at: datetime) -> Iterator[Given]:
        verdict = self._judged(access.deed, access.received_at, at)
        last = access.verdict[-1]
        if (verdict.outcome, verdict.reason) != (last.outcome, last.reason):
            access.verdict.append(verdict)
            yield Given(access.deed, verdict, self._version, access.received_at, at, first=False)

    def _judged(self, deed: Deed, received_at: datetime, as_of: datetime) -> Verdict:
        return judge(deed.event, self._policies, self._index, received_at=received_at, as_of=as_of)

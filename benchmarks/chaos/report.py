"""The report of a campaign: added up from its rounds, as Markdown and as JSON."""

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.chaos.faults import Met
from benchmarks.chaos.journal import Ended, Journal, Recovery, Round
from benchmarks.chaos.plan import ENOUGH_EVENTS, ENOUGH_KILLS, SESSION_TIMEOUT_S

SERVED_WITHIN_S: Final = 10.0

_WHAT_IT_IS: Final = """\
A real Kafka and a real ClickHouse under `earwitness up`, three workers that reach ClickHouse through a
proxy, and four producers. Every producer writes each acknowledged id to a file at once; what is written
outlives a kill. What a killed producer left in its spool is sent by its successor. A round storms for some
minutes by a plan drawn from its seed; then some workers are killed with nothing else wrong, to measure; then
the producers stop, the workers drain the topic, and everything is counted:

- every acknowledged id has a row, and no id has two, in `access_log` as it stands;
- the ledger's ranges follow on from one another, partition by partition, up to the topic's end, without a
  gap or an overlap; rows, dead letters and duplicates of each make up its offsets; the tables hold what it
  says;
- the group has committed the topic's end and announces nothing more.

A round that fails any of this stops the campaign, and its data is kept.

Seeds repeat the plan, not the instants: processes and servers are real, and what each was about when it was
hit is noted as it was seen.
"""

_INSTANTS: Final = """\
By what was under way as the proxy saw it: for a worker with itself, for a server with any worker. Producers
are hit by the clock.
"""

_INSTANT_NAMES: Final = {
    "any": "by the clock",
    "between": "between statements",
    "starting": "while starting",
    "asking": "while asking",
    "rows": "while storing rows",
    "rows_sent": "rows about to arrive",
    "rows_stored": "rows stored, not answered",
    "ledger": "while accounting",
    "ledger_sent": "ledger about to arrive",
    "ledger_stored": "ledger stored, not answered",
    "letters": "storing dead letters",
    "other rows": "storing something else",
    "alone": "alone, to measure",
}

_ACTION_NAMES: Final = {
    "pause": "{target} stopped with SIGSTOP for a while, and woken",
    "restart": "{target} stopped with SIGTERM and started again",
    "join": "a worker more joined, and left with SIGTERM",
    "lose_answer": "{target} cut off from ClickHouse when its rows were stored, before it was told",
    "cut_request": "{target} cut off from ClickHouse within its rows",
    "stall_answer": "{target} told late that its rows were stored",
    "part_from_store": "{target} cut off from ClickHouse for a while",
    "part_from_broker": "{target} cut off from Kafka for a while, with ClickHouse in reach",
    "fill_store": "{target} refused inserts for want of disk",
}


class Totals(NamedTuple):
    """All rounds of a campaign that are over."""

    rounds: int
    took_s: float
    kills: int
    through_sdk: int
    in_bulk: int
    by_kafka: int
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
        by_kafka=sum(each.acknowledged_by_kafka for each in ends),
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
    """Write the report for people."""
    totals, over = add_up(journal), _over(journal)
    faults = [met for at, _ in over for met in at.faults]
    return "\n".join(
        [
            "# The kill campaign",
            "",
            "Written by `make chaos` after every round, out of the rounds' own records.",
            "",
            _WHAT_IT_IS,
            "## What came of it",
            _how_far(totals),
            "",
            *_outcome(
                totals,
                sum(ended.interrupted for _, ended in over),
                len({at.begun.code for at, _ in over} - {""}),
            ),
            "",
            "## Kills, by target and by what was under way",
            *_kills(faults),
            "",
            _INSTANTS,
            "## What else went wrong",
            *_others(faults),
            "",
            "## How long a dead worker's partitions are not served",
            *_recovery([one for _, ended in over for one in ended.recoveries]),
            "",
            "## Round by round",
            *_rounds(over),
            "",
            *(f"Round {at.begun.number}: {at.remark}\n" for at, _ in over if at.remark),
        ]
    )


def _how_far(totals: Totals) -> str:
    if totals.kills >= ENOUGH_KILLS and totals.acknowledged >= ENOUGH_EVENTS:
        return f"It went on until {ENOUGH_KILLS:,} kills and {ENOUGH_EVENTS:,} accesses were reached."
    return (
        f"**It is not done**: it goes on until {ENOUGH_KILLS:,} kills and {ENOUGH_EVENTS:,} acknowledged"
        f" accesses are reached, and stands at {totals.kills:,} and {totals.acknowledged:,}."
    )


def _outcome(totals: Totals, interrupted: int, states: int) -> Iterator[str]:
    minutes = totals.took_s / 60
    yield from _table(
        ("", "count"),
        [
            ("kills with SIGKILL", f"{totals.kills:,}"),
            ("rounds, each with a seed and a verdict of its own", f"{totals.rounds:,}"),
            ("minutes", f"{minutes:,.0f}"),
            ("states of the code under test, as far as they were noted", f"{states:,}"),
            ("accesses acknowledged", f"{totals.acknowledged:,}"),
            ("– through the SDK's `Recorder`", f"{totals.through_sdk:,}"),
            ("– encoded beforehand, through the SDK's outboxes alone", f"{totals.in_bulk:,}"),
            ("– of both, acknowledged on disk, by a spool", f"{totals.acknowledged - totals.by_kafka:,}"),
            ("– of both, acknowledged by Kafka, without a spool", f"{totals.by_kafka:,}"),
            ("rows in the plain table", f"{totals.rows:,}"),
            (
                "– of which the producer was never told, for it died or gave up",
                f"{totals.unacknowledged_rows:,}",
            ),
            ("**acknowledged accesses without a row**", f"**{totals.lost:,}**"),
            ("**rows too many**, at the end of a round or at any look meanwhile", f"**{totals.doubled:,}**"),
            ("looks at the plain table while faults fell, without `FINAL`", f"{totals.looks:,}"),
            (
                "**gaps, overlaps and other discrepancies** of ledger, group and tables",
                f"**{totals.wrong:,}**",
            ),
            ("offsets of the topic, each accounted for", f"{totals.offsets:,}"),
            ("– copies that were recognised", f"{totals.duplicates:,}"),
            ("– dead letters", f"{totals.letters:,}"),
            ("copies sent on purpose and acknowledged", f"{totals.copies:,}"),
            ("ranges in the ledger", f"{totals.ranges:,}"),
            ("longest time in which nothing at all was stored", f"{totals.longest_stall_s:.1f} s"),
            ("longest time that an access lay on the topic", f"{totals.longest_wait_s:.1f} s"),
            ("rounds in which the campaign itself was interrupted", f"{interrupted:,}"),
        ],
    )


def _kills(faults: Sequence[Met]) -> Iterator[str]:
    kills = Counter((_kind(met.target), met.instant) for met in faults if met.action == "kill")
    instants = [instant for instant in _INSTANT_NAMES if any(key[1] == instant for key in kills)]
    rows = [
        (kind, *(f"{kills[kind, instant]:,}" for instant in instants), f"{_sum(kills, kind):,}")
        for kind in sorted({kind for kind, _ in kills})
    ]
    yield from _table(("target", *(_INSTANT_NAMES[instant] for instant in instants), "all"), rows)


def _others(faults: Sequence[Met]) -> Iterator[str]:
    counts = Counter((met.action, _kind(met.target)) for met in faults if met.action != "kill")
    rows = [
        (_ACTION_NAMES[action].format(target=target), f"{times:,}")
        for (action, target), times in sorted(counts.items())
    ]
    yield from _table(("", "times"), rows)
    lost = [met for met in faults if met.action == "lose_answer"]
    if lost:
        yield ""
        yield (
            f"Of the {len(lost):,} lost answers the rows were found in the table, before the connection was"
            f" cut, in {sum(met.stored is True for met in lost):,} cases; in"
            f" {sum(met.stored is None for met in lost):,} ClickHouse could not be asked at that instant."
        )


def _recovery(recoveries: Sequence[Recovery]) -> Iterator[str]:
    """Tell of both ways to measure: before all else on the machine, and as one among others."""
    yield (
        f"Workers killed with nothing else wrong, session timeout {SESSION_TIMEOUT_S:.0f} s, from the kill to"
        " the next range that the partition's ledger shows; load as runnable processes for each core."
    )
    yield ""
    groups = (
        ("before all else on the machine", [each for each in recoveries if each.has_priority]),
        ("as one among others", [each for each in recoveries if not each.has_priority]),
    )
    yield from _table(
        ("", "load", "kills", "partitions", "median s", "nine in ten s", "longest s", "within 10 s"),
        [_of_group(name, group) for name, group in groups if group],
    )


def _of_group(name: str, group: Sequence[Recovery]) -> tuple[str, ...]:
    seconds = sorted(second for one in group for second in one.seconds)
    loads = [one.load_per_core for one in group if one.load_per_core is not None]
    in_time = sum(second <= SERVED_WITHIN_S for second in seconds)
    return (
        name,
        f"{min(loads):.0f} to {max(loads):.0f}" if loads else "not noted",
        str(len(group)),
        str(len(seconds)),
        f"{statistics.median(seconds):.1f}",
        f"{_quantile(seconds, 0.9):.1f}",
        f"{seconds[-1]:.1f}",
        f"{in_time} of {len(seconds)}",
    )


def _rounds(over: Sequence[tuple[Round, Ended]]) -> Iterator[str]:
    rows = []
    for at, ended in over:
        begun = at.begun
        kills = sum(met.action == "kill" for met in at.faults)
        rows.append(
            (
                str(begun.number),
                begun.profile,
                str(begun.seed),
                begun.code or "not noted",
                f"{ended.took_s / 60:.1f}",
                str(kills),
                str(len(at.faults) - kills),
                f"{ended.acknowledged_through_sdk + ended.acknowledged_in_bulk:,}",
                str(len(ended.lost)),
                str(len(ended.doubled) + ended.doubled_meanwhile),
                str(len(ended.wrong)),
                f"{ended.longest_stall_s:.1f}",
                f"{ended.drained_in_s:.1f}",
                "not noted" if ended.load_per_core is None else f"{ended.load_per_core:.1f}",
            )
        )
    yield from _table(
        (
            "round",
            "profile",
            "seed",
            "code",
            "minutes",
            "kills",
            "other faults",
            "acknowledged",
            "lost",
            "doubled",
            "wrong",
            "stalled s",
            "drained s",
            "load for each core",
        ),
        rows,
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"| --- |{' ---: |' * (len(headings) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _kind(target: str) -> str:
    """Name all workers alike, and producers by the way they send."""
    kind, _, number = target.rpartition("-")
    if not number.isdigit():
        return target
    return kind if kind == "worker" else f"producer ({kind})"


def _sum(counts: Mapping[tuple[str, str], int], kind: str) -> int:
    return sum(times for (target, _), times in counts.items() if target == kind)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _over(journal: Journal) -> list[tuple[Round, Ended]]:
    return [(at, ended) for at in journal.rounds if (ended := at.ended) is not None]

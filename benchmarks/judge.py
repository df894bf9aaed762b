"""How long one judgement takes, with a full register next to the judge.

Run from the root of the repository: python -m benchmarks.judge. It prints nanoseconds for one access, for
several kinds of access and for a mix of them, and how much that is of a loop that does nothing.
"""

import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from earwitness.policy import Access, EvidenceIndex, PolicySet, judge
from earwitness.policy_files import read_policies
from models.access import AccessEvent
from models.evidence import EvidenceRecord
from models.fields import format_time

RECORDS: Final = 100_000
CUSTOMERS: Final = 5_000
AGENTS: Final = 400
ACCESSES: Final = 20_000
REPEATS: Final = 5
NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICIES: Final = Path(__file__).resolve().parent.parent / "policies"


def register(rng: random.Random) -> list[EvidenceRecord]:
    """Make up a register: mostly complaints, most of them closed; the whole staff; a few contracts."""
    begun = NOW - timedelta(days=400)
    records = [
        EvidenceRecord(
            ref=f"employment:{number}",
            kind="employment",
            assignees=(f"e-{number}",),
            aliases=(f"e-{number}@example.com",) if number % 3 else (),
            teams=(f"support-{number % 8}",),
            valid_from=begun,
        )
        for number in range(AGENTS)
    ]
    records += [
        EvidenceRecord(
            ref=f"contract:{number}",
            kind="engagement",
            organization=f"vendor-{number}",
            functions=("process_sms",),
            valid_from=begun,
        )
        for number in range(50)
    ]
    while len(records) < RECORDS:
        records.append(_complaint(rng, len(records)))
    return records


def _complaint(rng: random.Random, number: int) -> EvidenceRecord:
    opened_at = NOW - timedelta(hours=rng.uniform(1, 2_000))
    closed_at = opened_at + timedelta(hours=rng.uniform(1, 100))
    return EvidenceRecord(
        ref=f"ticket:{number}",
        kind="complaint",
        customer_ids=(f"customer-{rng.randrange(CUSTOMERS)}",),
        assignees=(f"e-{rng.randrange(AGENTS)}" if number % 2 else f"support-{number % 8}",),
        valid_from=opened_at,
        valid_to=closed_at,
    )


def accesses(rng: random.Random, tickets: Sequence[EvidenceRecord]) -> dict[str, list[Access]]:
    """Make up accesses of each kind, and the mix of them: most cite what they work on."""
    made: dict[str, list[Access]] = {"cited": [], "not cited": [], "nothing declared": [], "vendor": []}
    for _ in range(ACCESSES // 4):
        ticket = rng.choice(tickets)
        whose = {"customer_id": ticket.customer_ids[0], "time": format_time(ticket.valid_from)}
        agent = ticket.assignees[0] if ticket.assignees[0].startswith("e-") else f"e-{rng.randrange(AGENTS)}"
        about = {**whose, "actor_type": "employee", "actor_id": agent, "actor_team": f"support-{agent[2:]}"}
        purpose = {"purpose": "resolve_complaint"}
        made["cited"].append(_access(rng, **about, **purpose, evidence_ref=ticket.ref))
        made["not cited"].append(_access(rng, **about, **purpose))
        made["nothing declared"].append(_access(rng, **about))
        vendor = rng.randrange(50)
        contract = {"purpose": "process_sms", "evidence_ref": f"contract:{vendor}"}
        person = {"actor_type": "vendor", "actor_id": f"v-{vendor}", "organization": f"vendor-{vendor}"}
        made["vendor"].append(_access(rng, **whose, **person, **contract))
    made["mix: 80% cited, 10% vendor, 5% not cited, 5% nothing declared"] = [
        rng.choice(made[kind]) for kind in rng.choices(list(made), weights=(80, 5, 5, 10), k=ACCESSES)
    ]
    return made


def _access(rng: random.Random, **fields: str) -> Access:
    return AccessEvent.model_validate(
        {
            "id": f"0190b5a2-7c1d-7e5f-8a3b-{rng.randrange(16**12):012x}",
            "source": "/services/recording-api",
            "action": "process",
            "resource_type": "sms_content",
            "resource_id": f"sms-{rng.randrange(10**9)}",
            **fields,
        }
    )


def best_ns(judged: Callable[[Access], object], events: Sequence[Access]) -> float:
    """Measure a call on every event, several times; the best is the least disturbed."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.thread_time_ns()
        for event in events:
            judged(event)
        best = min(best, (time.thread_time_ns() - begun) / len(events))
    return best


def main() -> None:
    """Measure and print."""
    rng = random.Random(7)  # noqa: S311 - the same register at every run
    policies, records = read_policies(POLICIES), register(rng)
    tracemalloc.start()
    index = EvidenceIndex()
    for version, record in enumerate(records):
        index.put(record, version)
    held_mb = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    print(f"{len(index):,} records in the index: {held_mb:.0f} MB")
    begun = time.thread_time_ns()
    again = EvidenceIndex()
    for version, record in enumerate(records):
        again.put(record, version)
    print(f"put: {(time.thread_time_ns() - begun) / len(records):,.0f} ns a record")
    _print_rates(policies, index, accesses(rng, records[AGENTS + 50 :]))


def _print_rates(policies: PolicySet, index: EvidenceIndex, made: dict[str, list[Access]]) -> None:
    nothing = best_ns(lambda _event: None, next(iter(made.values())))
    print(f"a call that does nothing: {nothing:,.0f} ns; Python {sys.version.split()[0]}")
    for kind, events in made.items():
        verdicts = [judge(event, policies, index, received_at=NOW, as_of=NOW) for event in events]
        justified = sum(verdict.outcome == "justified" for verdict in verdicts) / len(events)
        taken = best_ns(lambda event: judge(event, policies, index, received_at=NOW, as_of=NOW), events)
        print(
            f"{kind}: {taken:,.0f} ns an access, {taken / nothing:.0f} × nothing, {justified:.0%} justified"
        )


if __name__ == "__main__":
    main()

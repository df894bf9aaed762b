"""How soon late evidence counts: from its acknowledgement to the new verdicts, among millions of accesses.

Run from the root of the repository: python -m benchmarks.late_evidence. It fills a trail on the server,
then registers tickets, each cited by a hundred of its accesses, one after the other, and measures each;
then once more while a change that reaches a large part of the trail is worked off.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from clickhouse_driver import Client
from earwitness_sdk import Register
from rich.console import Console

from benchmarks.keeping import keep
from earwitness.cli import sdk_wiring, wiring
from earwitness.devstack import control, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.supervisor import Options
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT, Settings

RESULTS: Final = Path(__file__).parent / "results" / "late-evidence.json"
ROWS_A_TICKET: Final = 100
DAYS: Final = 10
POLL_S: Final = 0.05
LONGEST_WAIT_S: Final = 120.0
LONGEST_LARGE_S: Final = 3_600.0
CHUNK: Final = 1_000_000
CUSTOMERS: Final = 5_000
COMMON_TENTHS: Final = 3
"""Tenths of the accesses that are justified until the large change."""

_FILL: Final = """
INSERT INTO access_log (received_day, id, time, source, actor_type, actor_id, action, resource_type,
    resource_id, customer_id, outcome, purpose, evidence_ref, verdict, reason, clause, evidence_used,
    policy_version, policy_digest, evidence_version, derived, received_at, judged_at,
    topic, partition, offset)
SELECT toDate(now('UTC')) - {day} AS received_day, generateUUIDv4(number),
    toDateTime64(received_day, 6, 'UTC') + number % 40000 AS time, '/services/recording-api', 'employee',
    concat('e-', toString(cityHash64(number) % 2000)), 'listen', 'call_recording',
    concat('rec-', toString(number)), concat('c-', toString(cityHash64(number, 1) % {customers})),
    'succeeded', 'resolve_complaint',
    multiIf({day} < {late_days} AND number % {every} = 0,
            concat('ticket:late-', toString(intDiv(number, {every}) % {tickets})),
            number % 10 < {common_tenths}, 'ticket:common',
            concat('ticket:', toString(cityHash64(number, 2) % 1000000))) AS evidence_ref,
    if(evidence_ref = 'ticket:common', 'justified', 'unjustified'),
    if(evidence_ref = 'ticket:common', 'clause_met', 'evidence_not_found'),
    if(evidence_ref = 'ticket:common', 'access.resolve-complaint', ''),
    if(evidence_ref = 'ticket:common', ['ticket:common'], []),
    '{version}', '{digest}', 0, false, time, time, 'access.events.v1', 100, number
FROM numbers({first}, {count})
"""


def main() -> None:
    """Fill, measure, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    with tempfile.TemporaryDirectory(prefix="earwitness-late-") as folder:
        data_dir = Path(folder) / "data"
        control.fetch_kafka(Settings().maven_url, say)
        control.start_detached(Options(data_dir=data_dir, workers=asked.workers))
        try:
            client = Client(**wiring.clickhouse(state.settings_for(data_dir, "admin").clickhouse)._asdict())
            register = Register(kafka=sdk_wiring.kafka(state.settings_for(data_dir, "register").kafka))
            register.put(_common_ticket())
            say(f"storing {asked.rows:,} accesses")
            _fill(client, asked.rows, asked.tickets)
            results = _measure(client, register, asked.tickets, say)
            register.close(10)
        finally:
            control.stop(layout_of(data_dir), say)
    kept = {"rows": asked.rows, "workers": asked.workers, "rows_a_ticket": ROWS_A_TICKET, **results}
    keep(RESULTS, kept)
    print(json.dumps(kept, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--tickets", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def _fill(client: Client, rows: int, tickets: int) -> None:
    """Spread the rows over days; the citing ones over half of them."""
    a_day = rows // DAYS
    late_days = DAYS // 2
    every = a_day * late_days // (2 * tickets * ROWS_A_TICKET)
    (policy,) = read_policies(ROOT / "policies").policies
    for day in range(DAYS):
        for first in range(0, a_day, CHUNK):
            client.execute(
                _FILL.format(
                    day=day,
                    late_days=late_days,
                    every=every,
                    tickets=2 * tickets,
                    customers=CUSTOMERS,
                    common_tenths=COMMON_TENTHS,
                    version=policy.version,
                    digest=policy.digest,
                    first=day * a_day + first,
                    count=min(CHUNK, a_day - first),
                )
            )


def _measure(client: Client, register: Register, tickets: int, say: Callable[[str], None]) -> dict[str, Any]:
    say("tickets that come late, one at a time")
    quiet = [_one(client, register, number) for number in range(tickets)]
    say("a first employment, which reaches every access, and tickets meanwhile")
    register.put(_employment())
    begun = time.monotonic()
    busy = [_one(client, register, number) for number in range(tickets, 2 * tickets)]
    ((wanted,),) = client.execute("SELECT count() FROM access_log WHERE evidence_ref = 'ticket:common'")
    done_before = _no_longer_employed(client) >= wanted
    say("the rest of the large change")
    while _no_longer_employed(client) < wanted and time.monotonic() - begun < LONGEST_LARGE_S:
        time.sleep(1)
    return {
        "quiet": _summary(quiet),
        "beside_a_large_change": {**_summary(busy), "large_was_done_before": done_before},
        "large_change": {
            "accesses": wanted,
            "verdicts": _no_longer_employed(client),
            "seconds": round(time.monotonic() - begun, 1),
        },
    }


def _no_longer_employed(client: Client) -> int:
    """Count the verdicts that the large change brought about."""
    return _count(client, "reason = 'actor_not_employed'")


def _one(client: Client, register: Register, number: int) -> float:
    """Register one ticket; give the seconds from its acknowledgement until all its accesses are judged."""
    ref = f"ticket:late-{number}"
    ((citing,),) = client.execute(f"SELECT count() FROM access_log WHERE evidence_ref = '{ref}'")  # noqa: S608 - ours
    before = _wrongly_cited(client)
    register.put(
        {"ref": ref, "kind": "complaint", "customer_ids": ["c-none"], "valid_from": "2020-01-01T00:00:00Z"}
    )
    begun = time.monotonic()
    while _wrongly_cited(client) < before + citing:
        if time.monotonic() - begun > LONGEST_WAIT_S:
            raise SystemExit(f"{ref}: not all of {citing} were judged in {LONGEST_WAIT_S:.0f} s")
        time.sleep(POLL_S)
    return time.monotonic() - begun


def _wrongly_cited(client: Client) -> int:
    """Count the verdicts that late tickets brought about; all of them are of another customer."""
    return _count(client, "reason = 'evidence_wrong_customer'")


def _common_ticket() -> dict[str, Any]:
    return {
        "ref": "ticket:common",
        "kind": "complaint",
        "customer_ids": [f"c-{number}" for number in range(CUSTOMERS)],
        "valid_from": "2020-01-01T00:00:00Z",
    }


def _employment() -> dict[str, Any]:
    return {
        "ref": "staff:nobody",
        "kind": "employment",
        "assignees": ["nobody"],
        "valid_from": "2020-01-01T00:00:00Z",
    }


def _count(client: Client, condition: str) -> int:
    ((count,),) = client.execute(f"SELECT count() FROM verdict_log WHERE {condition}")  # noqa: S608 - ours
    return int(count)


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "changes": len(ordered),
        "p50_s": round(statistics.median(ordered), 3),
        "p99_s": round(ordered[max(0, int(len(ordered) * 0.99) - 1)], 3),
        "max_s": round(ordered[-1], 3),
    }


if __name__ == "__main__":
    main()

"""How soon a search through the API is answered, on a month of accesses: what people wait for.

Run from the root of the repository: python -m benchmarks.searching. It fills 10 million accesses (with
--data-dir into that folder, where a later run finds them), and asks what people ask over HTTP, with its
record in activity_log, of ever other customers, actors and resources.
"""

import argparse
import random
import re
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from clickhouse_driver import Client
from rich.console import Console

from benchmarks.keeping import keep
from benchmarks.reading import PAGE, SEED, TIMEOUT_S, Subjects, drawn_subjects, quantile, stack, taken_ms
from benchmarks.reading_month import DAYS, Month, write_month
from earwitness.cli import wiring
from earwitness.cli.client import ApiClient
from earwitness.devstack import state
from earwitness.query.language import quote

RESULTS: Final = Path(__file__).parent / "results" / "searching.json"
ROWS: Final = 10_000_000
TARGET_MS: Final = 300

QUERIES: Final = (
    "customer:<customers>",
    "customer:<customers> -verdict:justified",
    "customer:<customers> action:listen,download,export type:call_recording",
    "actor:<actors>",
    "actor:<actors> -verdict:justified",
    "actor:<actors> customer:<customers>",
    "resource:<resources>",
    "resource:<resources> action:listen",
    "verdict:unjustified",
    "-verdict:justified actor_type:employee",
    "verdict:pending",
    "reason:actor_not_assigned",
    "actor_type:vendor org:vendor-2",
    "clause:third-party.process-sms type:sms_content",
    "-purpose:* derived:false",
    "id:<ids>",
    "<resources>",
    "late:true",
)
"""What is asked; `<…>` is another one each time."""

SPANS: Final = {"the last day, which is the default": 1, "the month": DAYS - 1}
"""Days that are asked about."""


class Asked(NamedTuple):
    """How long a query's answers took."""

    query: str
    taken_ms: list[float]

    def told(self) -> dict[str, float]:
        """Give it as it is kept."""
        return {
            "p50_ms": round(statistics.median(self.taken_ms), 1),
            "p95_ms": round(quantile(self.taken_ms, 0.95), 1),
            "max_ms": round(max(self.taken_ms), 1),
        }


def main() -> None:
    """Fill, ask, print, keep."""
    asked = _arguments()
    say = Console(stderr=True).print
    month = Month(asked.rows)
    with stack(asked.data_dir, say) as data_dir:
        clickhouse = wiring.clickhouse(state.settings_for(data_dir, "admin").clickhouse)
        client = Client(**clickhouse._asdict(), send_receive_timeout=TIMEOUT_S)
        write_month(client, month, say)
        subjects = drawn_subjects(client, month, asked.times)
        client.disconnect()
        with ApiClient(state.settings_for(data_dir, "api").api) as api:
            spans = {
                name: _asked_of(api, subjects, _since(month, days), month.until, asked.times)
                for name, days in SPANS.items()
            }
            facets = _facets(api, month)
    keep(RESULTS, {"rows": asked.rows, "days": DAYS, "spans": spans, "default_facets_ms": facets})
    for name, found in spans.items():
        _print(name, found)
    print(f"default facets of a day, a week, the month: {facets} ms")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--times", type=int, default=25, help="how often each query is asked")
    return parser.parse_args()


def _asked_of(
    api: ApiClient, subjects: Subjects, since: str, until: datetime, times: int
) -> dict[str, dict[str, float]]:
    """Ask every query of a span; give what each took, and all of them together."""
    bounds = {"since": since, "until": f"{until:%FT%TZ}", "limit": PAGE}
    answered = [_ask(api, query, subjects, bounds, times) for query in QUERIES]
    together = Asked(
        f"all (target: p95 of {TARGET_MS} ms)", [ms for each in answered for ms in each.taken_ms]
    )
    return {each.query: each.told() for each in [*answered, together]}


def _ask(api: ApiClient, query: str, subjects: Subjects, bounds: Mapping[str, Any], times: int) -> Asked:
    rng = random.Random(SEED)  # noqa: S311 - a repeatable choice
    taken = []
    for _ in range(times):
        filled = re.sub(r"<(\w+)>", lambda found: quote(rng.choice(getattr(subjects, found[1]))), query)
        taken.append(taken_ms(lambda: api.get("search", q=filled, **bounds)))  # noqa: B023 - asked at once
    return Asked(query, taken)


def _since(month: Month, days: int) -> str:
    return f"{month.until - timedelta(days=days):%FT%TZ}"


def _facets(api: ApiClient, month: Month) -> dict[str, float]:
    """Count by the default fields, which reads every access of the time."""
    taken = {}
    for days in (1, 7, DAYS):
        question = {"since": _since(month, days), "until": f"{month.until:%FT%TZ}"}
        again = [taken_ms(lambda: api.get("search", "facets", **question)) for _ in range(3)]  # noqa: B023 - as above
        taken[f"{days}d"] = round(statistics.median(again), 1)
    return taken


def _print(span: str, found: Mapping[str, Mapping[str, float]]) -> None:
    names: Sequence[str] = ("p50_ms", "p95_ms", "max_ms")
    print(f"{f'of {span}':75}" + "".join(f"{name:>10}" for name in names))
    for query, figures in found.items():
        print(f"{query:75}" + "".join(f"{figures[name]:>10}" for name in names))


if __name__ == "__main__":
    main()

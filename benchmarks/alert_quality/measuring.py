"""One month from its seed to its score, on a ClickHouse of its own."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.alert_quality.deeds import Incident
from benchmarks.alert_quality.judged import Court
from benchmarks.alert_quality.misuse import plan_misuse
from benchmarks.alert_quality.month import DAYS, Month
from benchmarks.alert_quality.noise import plan_noise
from benchmarks.alert_quality.scoring import Raised, Score, score
from benchmarks.alert_quality.storing import Archive
from earwitness.alerting.backtest import PastAlert, backtest
from earwitness.alerts.rules import Rule
from earwitness.devstack.scratch import Server
from earwitness.policy_files import read_policies
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.settings import Settings
from models.alerts import SEVERITIES
from sinks.clickhouse import schema
from sinks.clickhouse.client import ClickHouse

BEGIN: Final = datetime(2026, 9, 1, tzinfo=UTC)
END: Final = BEGIN + timedelta(days=DAYS)
MEMORY_MB: Final = 2_048
QUESTION_TIMEOUT_S: Final = 300
TOLD_FROM: Final = SEVERITIES.index("medium")
"""What people are told of: the default of a channel."""


class Labels(NamedTuple):
    """The truth about a month."""

    incidents: Sequence[Incident]
    incident_of: dict[str, str]
    accesses: int


class Measured(NamedTuple):
    """What one month showed: the score of what people are told of, and how many alerts nobody is told of."""

    seed: int
    accesses: int
    incidents: int
    score: Score
    untold: int


def measure(seed: int, accesses: int, rules: Sequence[Rule], say: Callable[[str], None]) -> Measured:
    """Make up a month, judge and store it, run the rules over it, and compare."""
    with tempfile.TemporaryDirectory(prefix="earwitness-alert-quality-") as folder:
        server = Server(Path(folder), MEMORY_MB)
        try:
            server.wait()
            schema.migrate(server.address("earwitness_admin"))
            labels = _stored(seed, accesses, ClickHouse(server.address("earwitness_admin")), say)
            store = ClickHouseStore(
                **server.address("earwitness_alerter")._asdict(),
                query_timeout_s=QUESTION_TIMEOUT_S,
                author="person",
            )
            say(f"seed {seed}: running {len(rules)} rules over {labels.accesses:,} accesses")
            alerts = backtest(store, rules, BEGIN, END + timedelta(days=1))
            store.close()
        finally:
            server.stop()
    by_id = {rule.id: rule for rule in rules}
    told = [alert for alert in alerts if is_told(by_id[alert.entry.rule])]
    raised = [as_raised(alert) for alert in told]
    return Measured(
        seed,
        labels.accesses,
        len(labels.incidents),
        score(raised, labels.incidents, labels.incident_of, DAYS),
        len(alerts) - len(told),
    )


def is_told(rule: Rule) -> bool:
    """Say whether people are told of a rule's alerts."""
    return rule.notify and SEVERITIES.index(rule.severity) >= TOLD_FROM


def as_raised(alert: PastAlert) -> Raised:
    """Give of an alert what the score asks for."""
    ids = frozenset(str(member.id) for member in alert.members)
    return Raised(alert.entry.rule, alert.entry.at, ids, alert.entry.grouping)


def _stored(seed: int, accesses: int, admin: ClickHouse, say: Callable[[str], None]) -> Labels:
    admin.execute("ALTER TABLE dead_letters REMOVE TTL")  # the month may be long over
    month = Month(seed, BEGIN, accesses)
    plan_misuse(month)
    plan_noise(month)
    court, archive = Court(read_policies(Settings().policies_dir)), Archive(admin)
    incident_of: dict[str, str] = {}
    count = 0
    for number, day in enumerate(month.days(), start=1):
        archive.keep(court.sit(day), day.readings, day.letters)
        incident_of |= {deed.event.id: deed.incident for deed in day.deeds if deed.incident}
        count += len(day.deeds)
        if number % 10 == 0:
            say(f"seed {seed}: {number} of {DAYS} days judged and stored, {count:,} accesses")
    admin.close()
    return Labels(month.incidents, incident_of, count)

"""Rules and hits for tests: they show only what counts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from earwitness.alerts.grouping import Hit
from earwitness.alerts.loading import read_rule
from earwitness.alerts.rules import Rule
from models.alerts import NAMESPACE, Member

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NO_ALERT = UUID(int=0)

ACCESS_RULE = """
id = "some-rule"
code = "ALR-900"
title = "Something that a test looks at"
description = "A rule that exists in tests, and nowhere else."
severity = "high"
runbook = "docs/runbooks/alerts/unexplained-access.md"

[grouping]
by = ["actor_id"]
window = "1h"
dedup = "1d"

[condition]
kind = "access"
query = "verdict:unjustified"

[[case]]
name = "fires"
alerts = 1
at = 2026-03-02T10:00:00Z
rows = [{ row = { verdict = "unjustified" } }]

[[case]]
name = "does not"
alerts = 0
at = 2026-03-02T10:00:00Z
rows = [{ row = {} }]
"""

SQL = """
SELECT actor_id, count() AS access_count, min(time) AS first_at, max(time) AS last_at,
       groupArray(10)((source, id)) AS members, 'many' AS detail
FROM trail WHERE received_at > {since:DateTime64(6, 'UTC')} AND received_at <= {until:DateTime64(6, 'UTC')}
GROUP BY actor_id HAVING access_count >= {at_least:UInt32}
"""
BEHAVIOUR_RULE = ACCESS_RULE.replace(
    'kind = "access"\nquery = "verdict:unjustified"',
    f'kind = "behaviour"\nevery = "60s"\nsql = """{SQL}"""\n[condition.tunables]\nat_least = 3',
).replace('"some-rule"', '"some-behaviour"')


def a_rule(text: str = ACCESS_RULE, **replaced: str) -> Rule:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return read_rule(text.encode(), "some-rule.toml")


def a_member(number: int, actor: str = "e-1", at: datetime = NOON) -> Member:
    id_ = uuid5(NAMESPACE, f"{actor} {number}")
    return Member(NO_ALERT, "/services/a", id_, at, actor, "cus-1", "unjustified", "evidence_not_cited")


def a_hit(
    number: int = 1, actor: str = "e-1", at: datetime = NOON, rule: Rule | None = None, **changes: Any
) -> Hit:
    member = a_member(number, actor, at)
    hit = Hit(rule or a_rule(), {"actor_id": actor}, at, at, at, 1, [member])
    return hit._replace(**changes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)

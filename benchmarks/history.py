"""A made-up history: a register, and accesses by the million, made inside ClickHouse by one formula.

Both sides know the formula, so the verdict of each access is known without judging it: a replay under
the policy of today must find no access that changes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from clickhouse_driver import Client

from models.evidence import EvidenceRecord
from models.fields import microseconds
from sinks.base import RegisteredEvidence
from sinks.clickhouse.trail import ClickHouseTrail

DAYS: Final = 10
CUSTOMERS: Final = 20_000
AGENTS: Final = 400
TEAMS: Final = 8
VENDORS: Final = 50
SERVICES: Final = 5
PARTNERS: Final = 5
OTHERS: Final = AGENTS + VENDORS + SERVICES + PARTNERS
MINUTES_BETWEEN_TICKETS: Final = 7_919  # a prime: tickets spread evenly over the days
OPEN_FOR: Final = timedelta(days=2)
ROWS_OF_AN_INSERT: Final = 250_000

_OPENED: Final = f"{{begun}} + (n * {MINUTES_BETWEEN_TICKETS}) % {DAYS * 1_440} * 60000000"
_CITES_TICKET: Final = "kind < 74 OR kind = 99"

_ACCESSES: Final = f"""
INSERT INTO access_log (received_day, id, time, source, sequence, actor_type, actor_id, organization,
    actor_team, action, resource_type, resource_id, customer_id, outcome, purpose, evidence_ref, recipient,
    verdict, reason, clause, policy_version, policy_digest, evidence_used, evidence_version, derived,
    received_at, judged_at, topic, partition, offset)
WITH
    cityHash64(number) % {{tickets}} AS n,
    cityHash64(number, 1) % 100 AS kind,
    {_OPENED} + cityHash64(number, 2) % {OPEN_FOR // timedelta(microseconds=1) - 1} AS at,
    at + 1000 * (200 + cityHash64(number, 3) % 3000) AS received,
    kind BETWEEN 80 AND 89 AS by_vendor, kind BETWEEN 90 AND 94 AS by_service,
    kind IN (95, 96) AS by_affiliate, kind = 97 AS by_customer,
    not(by_vendor OR by_service OR by_affiliate OR by_customer) AS by_employee,
    concat('customer-', toString((n + (kind BETWEEN 70 AND 73)) % {CUSTOMERS})) AS customer,
    multiIf(by_vendor, 'process_sms', by_service, 'provide_service', by_affiliate, 'related_company',
            by_customer, 'own_use', kind BETWEEN 77 AND 79, '', 'resolve_complaint') AS declared,
    multiIf({_CITES_TICKET}, concat('ticket:', toString(n)), kind = 98,
            concat('ticket:none-', toString(number)),
            by_vendor, concat('contract:', toString(n % {VENDORS})),
            by_affiliate, concat('affiliation:', toString(n % {PARTNERS})), '') AS ref,
    multiIf(kind BETWEEN 70 AND 73, 'evidence_wrong_customer', kind BETWEEN 74 AND 79, 'derived',
            kind = 98, 'evidence_not_found', kind = 99, 'outside_transfer', 'clause_met') AS why,
    multiIf(why = 'outside_transfer', 'no-sale-or-transfer', why NOT IN ('clause_met', 'derived'), '',
            by_vendor, 'third-party.process-sms', by_service, 'use.provide-service',
            by_affiliate, 'related-company', by_customer, 'customer.own-use',
            'access.resolve-complaint') AS met,
    cityHash64(number, 4) % 100 = 0 AS judged_twice,
    leftPad(lower(hex(intDiv(at, 1000))), 12, '0') AS ms,
    leftPad(lower(hex(cityHash64(number, 5))), 16, '0') AS salt
SELECT
    toDate(fromUnixTimestamp64Micro(received, 'UTC')),
    toUUID(concat(substring(ms, 1, 8), '-', substring(ms, 9, 4), '-7', substring(salt, 1, 3), '-8',
                  substring(salt, 4, 3), '-',
                  substring(leftPad(lower(hex(cityHash64(number, 6))), 16, '0'), 1, 12))),
    fromUnixTimestamp64Micro(at, 'UTC'), if(by_vendor, '/services/sms-gateway', '/services/recording-api'), 0,
    multiIf(by_vendor, 'vendor', by_service, 'service', by_affiliate, 'affiliate', by_customer, 'customer',
            'employee'),
    multiIf(by_vendor, concat('v-', toString(n % {VENDORS})), by_service,
            concat('svc-', toString(n % {SERVICES})),
            by_affiliate, concat('p-', toString(n % 200)), by_customer, customer,
            concat('e-', toString(n % {AGENTS}))),
    multiIf(by_vendor, concat('vendor-', toString(n % {VENDORS})),
            by_affiliate, concat('partner-', toString(n % {PARTNERS})), ''),
    if(by_employee, concat('support-', toString(n % {TEAMS})), ''),
    multiIf(by_vendor OR by_service, 'process', number % 4 = 0, 'download', 'listen'),
    if(by_vendor, 'sms_content', 'call_recording'), concat('rec-', toString(cityHash64(number, 7) % 5000000)),
    customer, 'succeeded', declared, ref, if(kind = 99, 'elsewhere', ''),
    if(judged_twice, 'pending', if(why IN ('clause_met', 'derived'), 'justified', 'unjustified')),
    if(judged_twice, 'evidence_not_found', why), if(judged_twice, '', met), '{{version}}', '{{digest}}',
    if(why = 'clause_met' AND ref != '' AND NOT judged_twice, [ref], []), if(judged_twice, 0, {{evidence}}),
    why = 'derived' AND NOT judged_twice, fromUnixTimestamp64Micro(received, 'UTC'),
    fromUnixTimestamp64Micro(received + 50000, 'UTC'), 'access.events.v1', number % 12, number
FROM numbers({{first}}, {{count}})
"""  # noqa: S608 - numbers of ours

_LATER_VERDICTS: Final = """
INSERT INTO verdict_log (received_day, id, source, verdict, reason, clause, policy_version, policy_digest,
    evidence_used, evidence_version, derived, late, judged_at)
WITH cityHash64(offset) % {tickets} AS n, cityHash64(offset, 1) % 100 AS kind,
    multiIf(kind BETWEEN 70 AND 73, 'evidence_wrong_customer', kind BETWEEN 74 AND 79, 'derived',
            kind = 98, 'evidence_not_found', kind = 99, 'outside_transfer', 'clause_met') AS why
SELECT received_day, id, source, if(why IN ('clause_met', 'derived'), 'justified', 'unjustified'), why,
    multiIf(why = 'outside_transfer', 'no-sale-or-transfer', why NOT IN ('clause_met', 'derived'), '',
            kind BETWEEN 80 AND 89, 'third-party.process-sms', kind BETWEEN 90 AND 94, 'use.provide-service',
            kind IN (95, 96), 'related-company', kind = 97, 'customer.own-use', 'access.resolve-complaint'),
    policy_version, policy_digest, [], {evidence}, why = 'derived', why != 'evidence_not_found',
    judged_at + INTERVAL 3 HOUR
FROM access_log WHERE received_day = '{day}' AND access_log.verdict = 'pending'
"""


def register(begun: datetime, records: int) -> Iterator[EvidenceRecord]:
    """Make up a register: the staff, vendors, services, partners, and for the rest complaints."""
    since = begun - timedelta(days=400)
    for number in range(AGENTS):
        yield EvidenceRecord(
            ref=f"employment:{number}",
            kind="employment",
            assignees=(f"e-{number}",),
            teams=(f"support-{number % TEAMS}",),
            aliases=(f"e-{number}@example.com",) if number % 3 else (),
            valid_from=since,
        )
    for number in range(VENDORS):
        yield EvidenceRecord(
            ref=f"contract:{number}",
            kind="engagement",
            organization=f"vendor-{number}",
            functions=("process_sms",),
            valid_from=since,
        )
    for number in range(SERVICES):
        yield EvidenceRecord(
            ref=f"account:{number}",
            kind="service_account",
            assignees=(f"svc-{number}",),
            functions=("process", "transcribe"),
            valid_from=since,
        )
    for number in range(PARTNERS):
        yield EvidenceRecord(
            ref=f"affiliation:{number}",
            kind="affiliation",
            organization=f"partner-{number}",
            valid_from=since,
        )
    for number in range(records - OTHERS):
        yield _complaint(begun, number)


def _complaint(begun: datetime, number: int) -> EvidenceRecord:
    opened = begun + timedelta(minutes=number * MINUTES_BETWEEN_TICKETS % (DAYS * 1_440))
    return EvidenceRecord(
        ref=f"ticket:{number}",
        kind="complaint",
        customer_ids=(f"customer-{number % CUSTOMERS}",),
        assignees=(f"e-{number % AGENTS}" if number % 2 else f"support-{number % TEAMS}",),
        valid_from=opened,
        valid_to=opened + OPEN_FOR,
    )


def write_register(trail: ClickHouseTrail, begun: datetime, records: int) -> None:
    """Store the register as a worker would have."""
    made = [
        RegisteredEvidence(record, version, microseconds(begun) // 1_000)
        for version, record in enumerate(register(begun, records))
    ]
    for first in range(0, len(made), 10_000):
        trail.write_evidence(made[first : first + 10_000])


def write_accesses(  # noqa: PLR0913 - one for each number of the formula
    client: Client, begun: datetime, *, rows: int, records: int, version: str, digest: str
) -> None:
    """Make the accesses with the verdict that each must have; one in a hundred has it by a later verdict."""
    known = {
        "tickets": records - OTHERS,
        "begun": microseconds(begun),
        "version": version,
        "digest": digest,
        "evidence": records - 1,
    }
    settings = {"max_threads": 1, "max_insert_threads": 1, "max_block_size": 65_536}
    for first in range(0, rows, ROWS_OF_AN_INSERT):
        count = min(ROWS_OF_AN_INSERT, rows - first)
        client.execute(_ACCESSES.format(**known, first=first, count=count), settings=settings)
    for day in range(DAYS + int(OPEN_FOR / timedelta(days=1)) + 1):
        on = (begun + timedelta(days=day)).date().isoformat()
        client.execute(_LATER_VERDICTS.format(**known, day=on), settings=settings)

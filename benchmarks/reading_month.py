"""A month of accesses by the hundred million, made inside ClickHouse by one formula, in the demo's mix.

Actors, customers and resources are skewed, ids and traces random, days busiest in office hours. One access
in two hundred has been judged again, one in two thousand twice.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from clickhouse_driver import Client

from models.fields import microseconds

BEGIN: Final = date(2026, 10, 26)
DAYS: Final = 31
CUSTOMERS: Final = 400_000
EMPLOYEES: Final = 2_000
CHUNK: Final = 1_000_000
BLOCK: Final = 131_072
SETTINGS: Final = {"max_threads": 2, "max_block_size": 16_384, "min_insert_block_size_rows": BLOCK}

Say = Callable[[str], None]

_SERVICES: Final = "['ivr-engine', 'retention-sweeper', 'recording-pipeline', 'sms-gateway', 'usage-meter']"
_ACTIONS: Final = (
    "['read', 'list', 'process', 'listen', 'update', 'search', 'delete', 'transcribe', 'download', 'export',"
    " 'share']"
)
_FAILINGS: Final = (
    "['purpose_not_declared', 'evidence_wrong_customer', 'evidence_not_in_force', 'actor_not_assigned']"
)
_VENDOR_PURPOSES: Final = "['process_sms', 'process_calls', 'maintain_databases_servers']"
_AGENTS: Final = "['Mozilla/5.0 (iPhone)', 'Mozilla/5.0 (X11)', 'httpx/0.28', 'okhttp/5.1']"

_ACCESSES: Final = f"""
INSERT INTO access_log (received_day, id, time, source, producer, sequence, actor_type, actor_id,
    organization, actor_team, action, resource_type, resource_id, customer_id, outcome, purpose,
    evidence_ref, recipient, operation_id, session_id, trace_id, ip, user_agent, item_count, content_bytes,
    verdict, reason, clause, policy_version, policy_digest, evidence_used, evidence_version, derived,
    received_at, judged_at, recorded_at, topic, partition, offset)
WITH
    cityHash64(number, 1) AS r, cityHash64(number, 2) AS r2, cityHash64(number, 3) AS r3,
    r % 10000 AS who, intDiv(r, 10000) % 1000 AS v, intDiv(r, 10000000) % 100 AS w,
    intDiv(r2, 10000) % 10000 AS judged, intDiv(r2, 100000000) % 100 < 16 AS undeclared,
    toUInt64({CUSTOMERS} * pow((cityHash64(number, 4) % 1000000) / 1000000., 2)) AS customer_no,
    {{day_us}} + if(intDiv(r3, 1000) % 10 < 8, 25200000000 + r3 % 46800000000, r3 % 86400000000) AS at,
    at + 1000 * (20 + intDiv(r3, 7) % 1500) AS received,
    who < 4470 AS by_service, who BETWEEN 4470 AND 7039 AS by_customer,
    who BETWEEN 7040 AND 8619 AS by_employee, who BETWEEN 8620 AND 9209 AS by_vendor,
    who BETWEEN 9210 AND 9789 AS by_application, who BETWEEN 9790 AND 9979 AS by_affiliate,
    if(by_service AND w = 0, '*', concat('cus-h44gt-', leftPad(toString(customer_no), 6, '0'))) AS customer,
    toUInt64({EMPLOYEES} * pow(v / 1000., 2)) AS staff,
    multiIf(judged < 5, 'pending', judged < 70, 'unjustified', 'justified') AS given,
    multiIf(r3 % 100 < 29, 'call_detail', r3 % 100 < 56, 'call_recording', r3 % 100 < 72, 'sms_content',
            r3 % 100 < 83, 'sms_detail', r3 % 100 < 94, 'ivr_content', 'account_detail') AS kind,
    if(undeclared, '', multiIf(by_service, 'provide_service', by_customer, 'own_use',
        by_vendor, {_VENDOR_PURPOSES}[v % 3 + 1], by_application, 'elected_application',
        by_affiliate, 'related_company', 'resolve_complaint')) AS declared,
    multiIf(undeclared OR by_service OR by_customer, '',
        by_vendor, concat('contract:vendor-', toString(v % 4)),
        by_application, concat('election:app-', toString(v % 5), '/', customer),
        by_affiliate, 'affiliation:care-partner',
        concat('ticket:TCK-h44gt-', toString(customer_no * 31 + intDiv(at, 172800000000)))) AS ref,
    intDiv(r3, 100) % (3 + intDiv(4000, 1 + intDiv(customer_no, 1000))) AS thing_no,
    hex(cityHash64(customer_no, thing_no)) AS thing,
    leftPad(lower(hex(intDiv(at, 1000))), 12, '0') AS ms, leftPad(lower(hex(r)), 16, '0') AS salt,
    leftPad(lower(hex(r2)), 16, '0') AS salt2, leftPad(lower(hex(r3)), 16, '0') AS salt3
SELECT
    toDate(fromUnixTimestamp64Micro(received, 'UTC')),
    toUUID(concat(substring(ms, 1, 8), '-', substring(ms, 9, 4), '-7', substring(salt, 1, 3), '-8',
                  substring(salt, 4, 3), '-', substring(salt2, 1, 12))),
    fromUnixTimestamp64Micro(at, 'UTC'),
    multiIf(kind IN ('call_recording', 'ivr_content'), '/services/recording-api',
            kind = 'sms_content', '/services/message-api', kind = 'account_detail', '/services/account-api',
            '/services/detail-api') AS seen_by,
    concat(substring(seen_by, 11), '-', toString(v % 3)), intDiv(number, 12) + 1,
    multiIf(by_service, 'service', by_customer, 'customer', by_employee, 'employee', by_vendor, 'vendor',
            by_application, 'application', by_affiliate, 'affiliate', 'acquirer'),
    multiIf(by_service, {_SERVICES}[v % 5 + 1],
            by_customer, if(w < 50, customer, concat(customer, '/user-', toString(w % 8))),
            by_employee, concat('emp-h44gt-', leftPad(toString(staff), 4, '0')),
            by_vendor, concat('vendor-', toString(v % 4), '/p', toString(w % 6)),
            by_application, concat('app-', toString(v % 5)), by_affiliate,
            concat('care-partner/', toString(w)), 'acquirer-1'),
    multiIf(by_customer AND w >= 50, customer, by_vendor, concat('vendor-', toString(v % 4)),
            by_application, concat('app-', toString(v % 5)), by_affiliate, 'care-partner', ''),
    if(by_employee, concat('support-', toString(staff % 10)), ''),
    {_ACTIONS}[toUInt8(sqrt(1 + r2 % 120))], kind,
    concat(splitByChar('_', kind)[1], '-h44gt-', lower(substring(thing, 1, 8))), customer,
    if(judged % 500 = 0, 'denied', 'succeeded'), declared, ref, if(judged % 40 = 3, 'crm-connect', ''),
    substring(salt3, 1, 12),
    if(by_service, '', substring(lower(hex(cityHash64(customer_no, intDiv(at, 600000000)))), 1, 13)),
    concat(salt2, salt3),
    multiIf(by_service, concat('10.20.0.', toString(v % 5)), by_customer,
            concat('203.0.113.', toString(w)), concat('10.1.', toString(staff % 250), '.7')),
    {_AGENTS}[v % 4 + 1], if(w < 69, 1, v), intDiv(r, 1000) % if(kind = 'call_recording', 3000000, 1000),
    given,
    multiIf(given = 'pending', 'evidence_not_found', given = 'unjustified', {_FAILINGS}[v % 4 + 1],
            undeclared, 'derived', 'clause_met') AS why,
    multiIf(given != 'justified', '', by_service, 'use.provide-service', by_customer, 'customer.own-use',
            by_vendor, concat('third-party.', replaceAll({_VENDOR_PURPOSES}[v % 3 + 1], '_', '-')),
            by_application, 'customer.elected-application', by_affiliate, 'related-company',
            w < 3, 'legal.obligation', 'access.resolve-complaint'),
    '2013-02-07', 'b0e4ff91834e8b822bd7cc245716dc02', if(given = 'justified' AND ref != '', [ref], []), 99999,
    why = 'derived', fromUnixTimestamp64Micro(received, 'UTC'),
    fromUnixTimestamp64Micro(intDiv(received, 300000) * 300000 + 400000, 'UTC') AS given_at, given_at,
    'access.events.v1', r % 8, intDiv(number, 8)
FROM numbers({{first}}, {{count}})
"""  # noqa: S608 - numbers and names of ours

_LATER: Final = """
INSERT INTO verdict_log (received_day, id, source, time, actor_type, actor_id, first_verdict, first_clause,
    verdict, reason, clause, policy_version, policy_digest, evidence_used, evidence_version, late, judged_at)
WITH cityHash64(id) % 10 < 8 AS found
SELECT received_day, id, source, access_log.time, actor_type, actor_id, access_log.verdict,
    access_log.clause, if(found, 'justified', 'unjustified'),
    if(found, 'clause_met', 'evidence_wrong_customer'), if(found, 'access.resolve-complaint', ''),
    policy_version, policy_digest, if(found, [evidence_ref], []), version, true,
    judged_at + INTERVAL 3 HOUR
FROM access_log
ARRAY JOIN if(cityHash64(id, 9) % 2000 = 0, [100000, 100001], [100000]) AS version
WHERE received_day = '{day}' AND cityHash64(id, 9) % 200 = 0
"""


class Month(NamedTuple):
    """How many accesses, and from when to when."""

    rows: int

    @property
    def since(self) -> datetime:
        """The begin of its last 30 days."""
        return self.until - timedelta(days=30)

    @property
    def until(self) -> datetime:
        """Its end."""
        return datetime.combine(BEGIN, datetime.min.time(), UTC) + timedelta(days=DAYS)


def write_month(client: Client, month: Month, say: Say) -> None:
    """Store the month, day by day; go on where an earlier attempt was cut off, with the day it was at.

    A day that is over is merged into one part, as the server does by itself six hours after its last insert.
    """
    a_day = month.rows // DAYS
    stored = dict(client.execute("SELECT received_day, count() FROM verdict_log GROUP BY received_day"))
    for number in range(DAYS):
        day = BEGIN + timedelta(days=number)
        if day in stored:
            continue
        client.execute(f"ALTER TABLE access_log DROP PARTITION '{day}'")
        day_us = microseconds(datetime.combine(day, datetime.min.time(), UTC))
        for first in range(0, a_day, CHUNK):
            count = min(CHUNK, a_day - first)
            statement = _ACCESSES.format(day_us=day_us, first=number * a_day + first, count=count)
            client.execute(statement, settings=SETTINGS)
        if number < DAYS - 1:
            client.execute(f"OPTIMIZE TABLE access_log PARTITION '{day}' FINAL")
        # At the end, and in one block: by it a later attempt knows that the day is complete.
        client.execute(_LATER.format(day=day), settings=SETTINGS)
        say(f"{day}: {a_day:,} accesses")

"""The users of scopes on a ClickHouse of their own: who stands for what, and where it ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from clickhouse_driver.errors import ServerException

from earwitness.devstack import clickhouse_config
from earwitness.devstack.layout import layout_of
from earwitness.devstack.scratch import Server
from earwitness.devstack.users import SCOPES, read_secret
from earwitness.query.clickhouse import ClickHouseStore
from models.errors import QueryRejected, QuotaExceeded
from models.tokens import Scope
from sinks.clickhouse import schema
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.scopes import GRANTED_VIEWS, MOST_SCOPES, ROW_POLICIES, SCOPE_USERS
from sinks.clickhouse.tokens import TokenLog

A_DAY = date(2026, 1, 1)
ACCESS = "INSERT INTO access_log (received_day, id, source, customer_id, organization, verdict) VALUES"
AGAIN = "INSERT INTO verdict_log (received_day, id, source, verdict) VALUES"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A migrated ClickHouse, whose scopes may ask twenty questions an hour."""
    few = clickhouse_config.SCOPE_QUOTA.replace("<queries>20000<", "<queries>20<")
    monkeypatch.setattr(clickhouse_config, "SCOPE_QUOTA", few)
    started = Server(tmp_path / "data")
    try:
        started.wait()
        schema.migrate(started.address("earwitness_admin"))
        yield started
    finally:
        started.process.kill()
        started.process.wait()


@pytest.fixture
def log(server: Server) -> Iterator[TokenLog]:
    """The log of tokens, as the API has it."""
    kept = TokenLog(ClickHouse(server.address("earwitness_api")))
    yield kept
    kept.close()


def store(server: Server, folder: Path, user: str) -> ClickHouseStore:
    password = read_secret(layout_of(folder / "data"), f"clickhouse-{SCOPES}")
    address = server.address("earwitness_api")._replace(user=user, password=password)
    return ClickHouseStore(**address._asdict(), query_timeout_s=5)


def counts(asked: ClickHouseStore) -> dict[str, int]:
    """Count what each view shows."""
    return {view: asked.ask(f"SELECT count() FROM {view}").rows[0][0] for view in ROW_POLICIES}  # noqa: S608 - names of ours


def fill(server: Server) -> None:
    """Store three accesses: of acme by v-1, of globex by v-1 and by v-2; each was judged again."""
    rows = [("acme", "v-1"), ("globex", "v-1"), ("globex", "v-2")]
    accesses = [
        (A_DAY, UUID(int=number), "/s", customer, vendor, "pending")
        for number, (customer, vendor) in enumerate(rows, 1)
    ]
    server.ask("earwitness_writer", ACCESS, accesses)
    later = [(A_DAY, UUID(int=number), "/s", "unjustified") for number in (1, 2, 3)]
    server.ask("earwitness_writer", AGAIN, later)
    # The same id of another source: what was judged of it is not what was judged of the other.
    server.ask("earwitness_writer", ACCESS, [(A_DAY, UUID(int=1), "/t", "globex", "v-2", "pending")])
    evidence = [("t:1", 1, ["acme"], "v-1"), ("t:2", 2, ["acme", "globex"], "v-1"), ("t:3", 3, [], "v-2")]
    server.ask(
        "earwitness_writer",
        "INSERT INTO evidence_log (ref, version, customer_ids, organization) VALUES",
        evidence,
    )


@pytest.mark.parametrize("table", ["token_log", "scope_log", "alert_log", "saved_search_log", "silence_log"])
def test_a_worker_can_write_no_token_and_no_alert(server: Server, table: str) -> None:
    """Who takes over a worker cannot let themselves in, or close what they did."""
    with pytest.raises(ServerException, match="Not enough privileges"):
        server.ask("earwitness_writer", f"INSERT INTO {table} SELECT * FROM {table}")  # noqa: S608 - a table of ours


def test_a_user_that_stands_for_nothing_is_shown_nothing(server: Server, tmp_path: Path) -> None:
    """The prepared ones are there from the start; what is not said to be theirs is not."""
    fill(server)
    asked = store(server, tmp_path, SCOPE_USERS[-1])
    assert counts(asked) == dict.fromkeys(ROW_POLICIES, 0)
    asked.close()


@pytest.mark.parametrize(
    ("scope", "accesses", "evidence"),
    [
        (Scope(customers=("acme",)), 1, 1),
        (Scope(customers=("acme", "globex")), 4, 2),
        (Scope(vendors=("v-1",)), 2, 2),
        (Scope(customers=("globex",), vendors=("v-1",)), 1, 0),
        (Scope(customers=("initech",)), 0, 0),
        (Scope(customers=("acme') OR 1 --",)), 0, 0),
    ],
)
def test_each_view_shows_what_is_within_the_scope(  # noqa: PLR0917 - fixtures and cases
    server: Server, log: TokenLog, tmp_path: Path, scope: Scope, accesses: int, evidence: int
) -> None:
    """An access has its first verdict in `verdicts`, and each later one in both views of these."""
    fill(server)
    asked = store(server, tmp_path, log.user_of("reader", scope))
    seen = counts(asked)
    asked.close()
    later = accesses - (1 if scope.customers == ("acme", "globex") else 0)
    assert (seen["trail"], seen["accesses"], seen["evidence"]) == (accesses, accesses, evidence)
    assert (seen["later_verdicts"], seen["verdicts"]) == (later, accesses + later)


def test_everything_that_is_granted_has_a_policy_or_names_nobody() -> None:
    """A view that is granted and forgotten here would be shown whole."""
    assert set(GRANTED_VIEWS) - set(ROW_POLICIES) == {"registers", "policies"}


def test_those_who_ask_at_once_for_scopes_get_one_user_each(server: Server, log: TokenLog) -> None:
    """Two processes of the API that took the same user would show one scope the other's rows."""
    others = [TokenLog(ClickHouse(server.address("earwitness_api"))) for _ in range(4)]
    scopes = [Scope(customers=(f"c-{number % 8}",)) for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit(others[number % 4].user_of, "reader", scope) for number, scope in enumerate(scopes)
        ]
        users = [each.result() for each in asked]
    for other in others:
        other.close()
    assert users[:8] == users[8:]
    assert len(set(users)) == 8
    rows = server.ask("earwitness_admin", "SELECT count(), uniqExact(scope_user) FROM scope_log")
    assert rows == [(8, 8)]
    assert log.user_of("auditor", scopes[0]) not in users


def test_when_all_users_are_taken_a_new_scope_is_refused(log: TokenLog) -> None:
    """And those that have one keep it."""
    first = log.user_of("reader", Scope(customers=("c-0",)))
    for number in range(1, MOST_SCOPES):
        log.user_of("reader", Scope(customers=(f"c-{number}",)))
    with pytest.raises(QueryRejected, match=f"{MOST_SCOPES} different pairs"):
        log.user_of("reader", Scope(customers=("one-more",)))
    assert log.user_of("reader", Scope(customers=("c-0",))) == first


def test_a_scope_has_a_quota_of_its_own(server: Server, log: TokenLog, tmp_path: Path) -> None:
    """Whoever asks without end takes nothing from others."""
    first, second = (
        store(server, tmp_path, log.user_of("reader", Scope(customers=(name,))))
        for name in ("acme", "globex")
    )
    for _ in range(20):
        first.ask("SELECT count() FROM trail")
    with pytest.raises(QuotaExceeded, match="quota"):
        first.ask("SELECT count() FROM trail")
    assert second.ask("SELECT count() FROM trail").rows == [(0,)]
    first.close()
    second.close()


@pytest.mark.parametrize(
    "limits",
    [
        {"readonly": 0},
        {"max_execution_time": 61},
        {"max_memory_usage": 1 << 40},
        {"max_result_rows": 1_000_001},
    ],
)
def test_the_limits_of_a_scope_cannot_be_lifted(
    server: Server, log: TokenLog, tmp_path: Path, limits: dict[str, int]
) -> None:
    """By nothing that a question brings along."""
    user = log.user_of("reader", Scope(customers=("acme",)))
    password = read_secret(layout_of(tmp_path / "data"), f"clickhouse-{SCOPES}")
    address = server.address("earwitness_api")._replace(user=user, password=password)
    asked = ClickHouseStore(**address._asdict(), query_timeout_s=5, author="person")
    assert asked.ask("SELECT 1").rows == [(1,)]
    with pytest.raises(QueryRejected, match=r"code (164|452)"):
        asked.ask("SELECT 1", limits=limits)
    asked.close()

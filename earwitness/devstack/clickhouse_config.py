"""ClickHouse's configuration in the embedded stack: limits, users, and what each may do."""

import hashlib
from typing import Final
from xml.sax.saxutils import escape

from earwitness.devstack.layout import Layout, write_private
from earwitness.devstack.ports import HOST, Ports
from earwitness.devstack.preflight import ROOM_KEPT_BYTES
from earwitness.devstack.users import SCOPES, read_secret
from sinks.clickhouse.scopes import (
    GRANTED_VIEWS,
    QUESTIONS_PER_HOUR,
    READ_SECONDS_PER_HOUR,
    ROW_POLICIES,
    SCOPE_USERS,
)

CONFIG_NAMES: Final = ("config.xml", "clickhouse-local.xml")
"""The embedded server reads the one at its import and the other at its start; both say the same."""

MEMORY_MB: Final = 700
"""Most memory of the server; one query of a reader gets half of it."""

ALERT_VIEWS: Final = ("alerts", "alert_entries", "alert_members", "alert_deliveries", "silences")
BACKTEST_VIEWS: Final = ("first_verdicts", "further_verdicts")
VIEWS: Final = ("trail", "verdicts", "evidence", "activity", "registers", "policies", *ALERT_VIEWS)
REPLAY_VIEWS: Final = ("accesses", "later_verdicts")
"""What searches, counts and replays of the API read beside them."""

_CONFIG: Final = """\
<clickhouse>
  <logger><level>warning</level><console>1</console></logger>
  <tcp_port>{port}</tcp_port>
  <http_port>{http_port}</http_port>
  <listen_host>{host}</listen_host>
  <users_config>{users}</users_config>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>33554432</mark_cache_size>
  <index_mark_cache_size>4194304</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <compiled_expression_cache_size>4194304</compiled_expression_cache_size>
  <mmap_cache_size>100</mmap_cache_size>
  <storage_configuration><disks>
    <default><keep_free_space_bytes>{kept}</keep_free_space_bytes></default>
  </disks></storage_configuration>
  <backups><allowed_path>{backups}</allowed_path></backups>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
"""

_PROFILES: Final = """\
  <profiles>
    <default/>
    <embedded><max_sessions_for_user>1</max_sessions_for_user></embedded>
    <admin><async_insert>0</async_insert></admin>
    <writer><async_insert>0</async_insert></writer>
    <reader>
      <readonly>2</readonly>
      <max_execution_time>30</max_execution_time>
      <max_result_rows>1000000</max_result_rows>
      <max_memory_usage>{memory}</max_memory_usage>
      <constraints>
        <max_execution_time><max>600</max></max_execution_time>
        <max_result_rows><max>1000000</max></max_result_rows>
        <max_memory_usage><max>{memory}</max></max_memory_usage>
      </constraints>
    </reader>
    <scope>
      <readonly>2</readonly>
      <max_execution_time>30</max_execution_time>
      <max_result_rows>1000000</max_result_rows>
      <max_memory_usage>{memory}</max_memory_usage>
      <constraints>
        <max_execution_time><max>60</max></max_execution_time>
        <max_result_rows><max>1000000</max></max_result_rows>
        <max_memory_usage><max>{memory}</max></max_memory_usage>
      </constraints>
    </scope>
    <api>
      <async_insert>0</async_insert>
      <max_execution_time>60</max_execution_time>
      <max_memory_usage>{memory}</max_memory_usage>
    </api>
  </profiles>
  <quotas>
    <default/>
{scope_quota}  </quotas>
"""

SCOPE_QUOTA: Final = f"""\
    <scope><interval>
      <duration>3600</duration>
      <queries>{QUESTIONS_PER_HOUR}</queries>
      <execution_time>{READ_SECONDS_PER_HOUR}</execution_time>
    </interval></scope>
"""

WRITTEN: Final = (
    "access_log", "verdict_log", "evidence_log", "activity_log", "dead_letters", "range_ledger", "policy_log",
    "set_aside", "reconciliation_log",
)  # fmt: skip
"""What workers and reconciliation write: no token, no alert, no saved search."""

_READS_VIEWS: Final = tuple(f"GRANT SELECT ON earwitness.{view}" for view in VIEWS)
_GRANTS: Final = {
    "earwitness_writer": (
        "GRANT SELECT ON earwitness.*",
        *(f"GRANT INSERT ON earwitness.{table}" for table in WRITTEN),
        # Rows that the trail refuses are found on a table of the connection that keeps nothing.
        "GRANT CREATE ARBITRARY TEMPORARY TABLE ON *.*",
        "GRANT TABLE ENGINE ON Null",
    ),
    "earwitness_reader": _READS_VIEWS,
    "earwitness_api": (
        *_READS_VIEWS,
        *(f"GRANT SELECT ON earwitness.{view}" for view in (*REPLAY_VIEWS, *BACKTEST_VIEWS)),
        "GRANT SELECT ON earwitness.dead_letters",
        "GRANT SELECT ON earwitness.range_ledger",
        "GRANT INSERT ON earwitness.activity_log",
        "GRANT SELECT, INSERT ON earwitness.register_heartbeats",
        "GRANT SELECT, INSERT ON earwitness.saved_search_log",
        "GRANT SELECT, INSERT ON earwitness.token_log",
        "GRANT SELECT, INSERT ON earwitness.scope_log",
        "GRANT INSERT ON earwitness.alert_log",
        "GRANT INSERT ON earwitness.silence_log",
    ),
    "earwitness_alerter": (
        *_READS_VIEWS,
        *(f"GRANT SELECT ON earwitness.{view}" for view in (*REPLAY_VIEWS, *BACKTEST_VIEWS)),
        "GRANT SELECT(topic, partition, offset, reason, received_at) ON earwitness.dead_letters",
        "GRANT SELECT ON earwitness.range_ledger",
        "GRANT INSERT ON earwitness.alert_log",
        "GRANT INSERT ON earwitness.alert_member_log",
        "GRANT INSERT ON earwitness.delivery_log",
    ),
}


def configure(layout: Layout, ports: Ports, memory_mb: int = MEMORY_MB) -> None:
    """Write the configuration and the users."""
    users = layout.clickhouse / "users.xml"
    write_private(users, _users(layout))
    config = _CONFIG.format(
        port=ports.clickhouse,
        http_port=ports.clickhouse_http,
        host=HOST,
        users=escape(str(users)),
        backups=escape(str(layout.backups)),
        memory=memory_mb << 20,
        kept=ROOM_KEPT_BYTES,
    )
    for name in CONFIG_NAMES:
        write_private(layout.clickhouse / name, config)


def _users(layout: Layout) -> str:
    profiles = _PROFILES.format(memory=(MEMORY_MB // 2) << 20, scope_quota=SCOPE_QUOTA)
    users = [
        _default_user(),
        _views_user(),
        _user(layout, "earwitness_admin", "admin"),
        _user(layout, "earwitness_writer", "writer"),
        _user(layout, "earwitness_reader", "reader"),
        _user(layout, "earwitness_api", "api"),
        _user(layout, "earwitness_alerter", "api"),
        scope_users(_password(layout, SCOPES), HOST),
    ]
    return f"<clickhouse>\n{profiles}  <users>\n{''.join(users)}  </users>\n</clickhouse>\n"


def _default_user() -> str:
    """The user as whom the embedded server runs the query that keeps it serving.

    It cannot have a password. That query holds the one session its profile allows, so every login
    as this user is refused; what it may do is no more than that query needs.
    """
    grants = ("GRANT SYSTEM LISTEN ON *.*", "GRANT SELECT ON system.numbers")
    return _element("default", "<password></password>", "embedded", HOST, grants)


def _views_user() -> str:
    """The definer of the views. It has no network, so nobody can log in as it."""
    grants = ("GRANT SELECT ON earwitness.*",)
    return _element("earwitness_views", "<no_password/>", "writer", None, grants)


def _user(layout: Layout, name: str, profile: str) -> str:
    return _element(name, _password(layout, name), profile, HOST, _GRANTS.get(name, ()))


def _password(layout: Layout, name: str) -> str:
    digest = hashlib.sha256(read_secret(layout, f"clickhouse-{name}").encode()).hexdigest()
    return f"<password_sha256_hex>{digest}</password_sha256_hex>"


def scope_users(password: str, network: str) -> str:
    """Write the users as whom scoped tokens are asked, who share one password element."""
    grants = tuple(f"GRANT SELECT ON earwitness.{view}" for view in GRANTED_VIEWS)
    policies = "".join(f"<{view}><filter>{shown}</filter></{view}>" for view, shown in ROW_POLICIES.items())
    shown = f"<databases><earwitness>{policies}</earwitness></databases>"
    return "".join(
        _element(name, password, "scope", network, grants, quota="scope", more=shown) for name in SCOPE_USERS
    )


def _element(  # noqa: PLR0913 - the parts of one element
    name: str,
    password: str,
    profile: str,
    network: str | None,
    grants: tuple[str, ...],
    *,
    quota: str = "default",
    more: str = "",
) -> str:
    networks = f"<ip>{network}</ip>" if network else "<host>none.invalid</host>"
    granted = "".join(f"<query>{grant}</query>" for grant in grants)
    return (
        f"    <{name}>{password}<networks>{networks}</networks>"
        f"<profile>{profile}</profile><quota>{quota}</quota>"
        f"{f'<grants>{granted}</grants>' if grants else ''}{more}</{name}>\n"
    )

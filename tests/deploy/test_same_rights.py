import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, ServerException, SocketTimeoutError

from earwitness.devstack import clickhouse_config, deployed_scopes, kafka_server
from earwitness.devstack.layout import Layout, layout_of, prepare
from earwitness.devstack.ports import Ports, choose
from earwitness.devstack.users import CLICKHOUSE_USERS, make_secrets
from earwitness.settings import ROOT
from sinks.clickhouse.scopes import ROW_POLICIES, SCOPE_USERS

OWN_PLACE = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
SMALL_MACHINE = {
    "offsets.topic.num.partitions",
    "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.num.partitions",
    "log.cleaner.dedupe.buffer.size",
    "group.initial.rebalance.delay.ms",
    "broker.heartbeat.interval.ms",
    "broker.session.timeout.ms",
}
"""What the embedded stack sets to stay small or to start fast."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A data folder of the embedded stack, with secrets and without processes."""
    folder = layout_of(tmp_path / "stack")
    prepare(folder)
    make_secrets(folder)
    return folder


def embedded_users(layout: Layout) -> ET.Element:
    clickhouse_config.configure(layout, choose(layout, {}))
    return ET.parse(layout.clickhouse / "users.xml").getroot()  # noqa: S314 - made by our own code


def deployed_users() -> ET.Element:
    root = ET.parse(ROOT / "deploy/clickhouse/users.d/earwitness.xml").getroot()  # noqa: S314
    scopes, users = ET.parse(deployed_scopes.FILE).getroot(), root.find("users")  # noqa: S314
    assert users is not None
    users.extend(scopes.iterfind("users/*"))
    return root


def rights(users: ET.Element) -> dict[str, tuple[str | None, set[str | None]]]:
    """Give each of our users its profile and its grants."""
    return {
        user.tag: (user.findtext("profile"), {grant.text for grant in user.iterfind("grants/query")})
        for user in users.iterfind("users/*")
        if user.tag != "default"
    }


def limits(users: ET.Element) -> dict[str, str | None]:
    """Give each setting of each of our profiles; memory is as large as the machine allows."""
    return {
        f"{profile.tag}.{setting.tag}": setting.text
        for profile in users.iterfind("profiles/*")
        if profile.tag not in ("default", "embedded")
        for setting in profile
        if setting.tag not in ("max_memory_usage", "constraints")
    }


def properties(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_clickhouse_users_have_the_rights_of_the_embedded_stack(layout: Layout) -> None:
    """The refusals that the tests prove must be those of the deployment."""
    assert rights(deployed_users()) == rights(embedded_users(layout))


def test_clickhouse_profiles_are_those_of_the_embedded_stack(layout: Layout) -> None:
    """`readonly` for readers, no asynchronous inserts for writers, a limit for every question."""
    assert limits(deployed_users()) == limits(embedded_users(layout))
    ceilings = {c.tag for c in deployed_users().iterfind("profiles/reader/constraints/*")}
    assert ceilings == {c.tag for c in embedded_users(layout).iterfind("profiles/reader/constraints/*")}


def test_the_users_of_scopes_are_shown_what_those_of_the_embedded_stack_are(layout: Layout) -> None:
    """Their row policies are what keeps a scope; the deployment's file is written from the same ones."""
    assert deployed_scopes.FILE.read_text(encoding="utf-8") == deployed_scopes.document()
    shown = [
        {
            policy.tag: policy.findtext("filter")
            for policy in users.iterfind(f"users/{SCOPE_USERS[0]}/databases/earwitness/*")
        }
        for users in (embedded_users(layout), deployed_users())
    ]
    assert shown[0] == shown[1] == dict(ROW_POLICIES)


def test_nobody_logs_in_without_a_password() -> None:
    """The default user is gone, and the one that defines the views has no network."""
    users = deployed_users().find("users")
    assert users is not None
    default = users.find("default")
    assert default is not None
    assert default.get("remove") == "remove"
    for name in CLICKHOUSE_USERS:
        password = users.find(f"{name}/password_sha256_hex")
        assert password is not None
        assert password.get("incl") == f"{name}_sha256"
    assert users.findtext("earwitness_views/networks/host") == "none.invalid"


def test_kafka_is_set_up_as_in_the_embedded_stack(layout: Layout) -> None:
    """Who is let in, and that whatever is not allowed is refused, does not depend on where it runs."""
    ports = choose(layout, {})
    embedded = properties(kafka_server._properties(layout, ports))
    deployed = properties((ROOT / "deploy/kafka/server.properties").read_text(encoding="utf-8"))
    password = (layout.secrets / "kafka-broker").read_text().strip()
    resolved = {
        name: value.replace("${secrets:/run/secrets:kafka-broker}", password)
        for name, value in deployed.items()
        if not name.startswith("config.providers")
    }
    ignored = OWN_PLACE | SMALL_MACHINE
    assert {name: value for name, value in resolved.items() if name not in ignored} == {
        name: value for name, value in embedded.items() if name not in ignored
    }


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[tuple[Path, Ports]]:
    """The embedded ClickHouse with the deployment's users and its own durability settings."""
    folder, secrets = tmp_path / "clickhouse", tmp_path / "secrets"
    (folder / "users.d").mkdir(parents=True)
    subprocess.run([ROOT / "deploy/make-secrets", secrets], check=True, capture_output=True, timeout=30)
    users = (ROOT / "deploy/clickhouse/users.d/earwitness.xml").read_text(encoding="utf-8")
    # The embedded server serves as long as a query of its default user runs, so that user stays.
    users = users.replace("/run/secrets", str(secrets)).replace('<default remove="remove"/>', "")
    (folder / "users.d/earwitness.xml").write_text(users, encoding="utf-8")
    shutil.copy(deployed_scopes.FILE, folder / "users.d")
    (folder / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default>"
        "<password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile>"
        "<quota>default</quota></default></users></clickhouse>",
        encoding="utf-8",
    )
    stack = layout_of(tmp_path / "stack")
    prepare(stack)
    ports = choose(stack, {})
    durable = ET.parse(ROOT / "deploy/clickhouse/config.d/earwitness.xml").find("merge_tree")  # noqa: S314
    assert durable is not None
    config = (
        f"<clickhouse><tcp_port>{ports.clickhouse}</tcp_port><listen_host>127.0.0.1</listen_host>"
        f"<users_config>{folder}/users.xml</users_config>{ET.tostring(durable, 'unicode')}</clickhouse>"
    )
    for name in clickhouse_config.CONFIG_NAMES:
        (folder / name).write_text(config, encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "earwitness.devstack.clickhouse_server", str(folder)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield secrets, ports
    finally:
        server.kill()
        server.wait()


def ask(secrets: Path, ports: Ports, user: str, query: str) -> object:
    password = (secrets / f"clickhouse-earwitness_{user}").read_text()
    client = Client("127.0.0.1", port=ports.clickhouse, user=f"earwitness_{user}", password=password)
    try:
        return client.execute(query)
    finally:
        client.disconnect()


def until_it_answers(secrets: Path, ports: Ports) -> None:
    give_up_at = time.monotonic() + 30
    while True:
        try:
            ask(secrets, ports, "admin", "SELECT 1")
        except (EOFError, NetworkError, SocketTimeoutError):
            assert time.monotonic() < give_up_at, "ClickHouse did not answer"
            time.sleep(0.2)
        else:
            return


def test_a_real_clickhouse_takes_the_users_and_their_hashes(clickhouse: tuple[Path, Ports]) -> None:
    """The file is only right if the server reads it so: includes, grants and refusals."""
    secrets, ports = clickhouse
    until_it_answers(secrets, ports)
    for user in ("admin", "writer", "reader", "api"):
        assert ask(secrets, ports, user, "SELECT currentUser()") == [(f"earwitness_{user}",)]
    settings = "SELECT value FROM system.merge_tree_settings WHERE name LIKE 'fsync_%' AND changed"
    assert ask(secrets, ports, "admin", settings) == [("1",), ("1",)]
    for forbidden in (
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "CREATE DATABASE mine",
    ):
        with pytest.raises(ServerException) as refused:
            ask(secrets, ports, "reader", forbidden)
        assert refused.value.code in (164, 497)
    password = (secrets / "clickhouse-earwitness_scopes").read_text()
    client = Client("127.0.0.1", port=ports.clickhouse, user=SCOPE_USERS[-1], password=password)
    assert client.execute("SELECT currentUser()") == [(SCOPE_USERS[-1],)]
    client.disconnect()

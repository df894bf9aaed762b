import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kafka.admin import ConfigResource, ConfigResourceType

from earwitness.cli.doctor import doctor
from earwitness.devstack import check_installation, downloads, preflight, state
from earwitness.devstack.provision import align_topics, kafka_admin
from models import topics
from tests.conftest import Stack
from tests.devstack.builders import a_layout, a_process, a_state, supervised


def run(*arguments: object) -> Result:
    return CliRunner().invoke(doctor, ["--output", "json", *map(str, arguments)])


def found(result: Result) -> dict[str, tuple[str, str]]:
    """Check name → its outcome and all that it says."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    checks = json.loads(result.stdout)
    assert all(check["remedy"] for check in checks if check["outcome"] != "ok")
    return {check["name"]: (check["outcome"], f"{check['detail']} {check['remedy']}") for check in checks}


@pytest.mark.stack
def test_a_healthy_stack_has_nothing_wrong(stack: Stack) -> None:
    """A doctor that finds faults in health is not asked again."""
    result = run("--data-dir", stack.data_dir)
    checks = found(result)
    assert {name: check for name, check in checks.items() if check[0] == "fail"} == {}
    assert result.exit_code == 0
    assert {"python", "java", "kafka files", "topics", "migrations", "clickhouse answers"} <= set(checks)


@pytest.mark.stack
def test_a_topic_with_other_settings_is_found(stack: Stack) -> None:
    """Evidence on a producer's clock would be forgeable after the fact."""
    admin_settings = stack.settings("admin").kafka
    with kafka_admin(admin_settings) as admin:
        wrong = {"message.timestamp.type": "CreateTime"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.EVIDENCE_RECORDS, wrong)])
    try:
        result = run("--data-dir", stack.data_dir)
    finally:
        align_topics(admin_settings)
    assert found(result)["topics"][0] == "fail"
    assert "evidence.records.v1 has message.timestamp.type=CreateTime" in found(result)["topics"][1]
    assert result.exit_code == 1
    assert found(run("--data-dir", stack.data_dir))["topics"][0] == "ok"


@pytest.mark.stack
def test_an_open_secret_is_found(stack: Stack) -> None:
    """A backup tool that loosened the rights must not go unseen."""
    secret = stack.data_dir / "secrets" / "kafka-register"
    secret.chmod(0o644)
    try:
        outcome, said = found(run("--data-dir", stack.data_dir))["secrets"]
    finally:
        secret.chmod(0o600)
    assert (outcome, "kafka-register (mode 0644)" in said) == ("fail", True)


def test_no_stack_is_no_fault_of_the_installation(tmp_path: Path) -> None:
    """`make setup` may be checked before the first `up`."""
    outcome, said = found(run("--data-dir", tmp_path / "none"))["stack"]
    assert (outcome, "earwitness up" in said) == ("warn", True)


def test_a_stack_that_does_not_answer_is_found(tmp_path: Path) -> None:
    """A supervisor that thinks all is well may be wrong."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        result = run("--data-dir", layout.root)
    checks = found(result)
    assert [checks[name][0] for name in ("kafka answers", "clickhouse answers", "api answers")] == [
        "fail"
    ] * 3
    assert "127.0.0.1:41003" in checks["clickhouse answers"][1]
    assert result.exit_code == 1


def test_a_killed_supervisor_is_found(tmp_path: Path) -> None:
    """And what to do about it is said."""
    layout = a_layout(tmp_path)
    state.write(layout, a_state(layout, "ready", (a_process(pid=None, created_at=None),)))
    outcome, said = found(run("--data-dir", layout.root))["stack"]
    assert (outcome, "was killed" in said, "earwitness up" in said) == ("fail", True, True)


def test_an_open_folder_is_found(tmp_path: Path) -> None:
    """It holds the passwords of everything."""
    layout = a_layout(tmp_path)
    layout.root.chmod(0o755)
    outcome, said = found(run("--data-dir", layout.root))["data folder"]
    assert (outcome, "0755" in said) == ("fail", True)


def test_a_damaged_jar_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changed on disk is found by its checksum, though its size is right."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = downloads.cache_folder({"XDG_CACHE_HOME": str(tmp_path)})
    folder.mkdir(parents=True)
    for jar in downloads.read_lock():
        with (folder / jar.name).open("wb") as file:
            file.truncate(jar.bytes)
    outcome, said = found(run("--data-dir", tmp_path / "none"))["kafka files"]
    assert (outcome, "kafka-clients-4.3.1.jar" in said) == ("fail", True)


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda patch: patch.setattr(preflight, "PIECES", ("not_there",)), "packages"),
        (lambda patch: patch.setattr(preflight, "LEAST_FREE_BYTES", 1 << 62), "disk of the data folder"),
        (lambda patch: patch.setattr(check_installation, "OLDEST", (4, 0)), "python"),
        (lambda patch: patch.setattr(check_installation.guard, "strangers", lambda: ["models"]), "our code"),
        (
            lambda patch: patch.setattr(check_installation.kafka_server, "java", lambda: Path("/no/java")),
            "java",
        ),
    ],
)
def test_each_fault_of_the_installation_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch], None], check: str
) -> None:
    """One run names everything there is to mend."""
    spoil(monkeypatch)
    result = run("--data-dir", tmp_path / "none")
    assert found(result)[check][0] == "fail"
    assert result.exit_code == 1

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from earwitness.devstack import leftovers, lock, preflight, state
from earwitness.devstack.layout import layout_of
from earwitness.devstack.users import ROLES, read_secret
from models.errors import ConfigurationError, StackUnavailable
from tests.devstack.builders import a_layout, a_process, a_state, supervised


def test_a_folder_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    """The first command of a newcomer may well be `status`."""
    with pytest.raises(StackUnavailable, match="earwitness up"):
        state.read(tmp_path)


def test_a_running_stack_is_described_as_its_supervisor_does(tmp_path: Path) -> None:
    """`status` adds nothing of its own."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        assert state.read(layout.root) == a_state(layout)


def test_a_killed_supervisor_is_told_from_a_running_one(tmp_path: Path) -> None:
    """What it wrote last would otherwise be believed for ever."""
    layout = a_layout(tmp_path)
    state.write(layout, a_state(layout, "ready", (a_process(),)))
    found = state.read(layout.root)
    assert (found.phase, found.processes) == ("stopped", ())
    assert "was killed" in str(found.problem)
    assert state.was_killed(layout)


def test_a_stack_on_a_full_disk_is_not_called_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its supervisor has no room to write down that Kafka has stopped."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        monkeypatch.setattr(preflight, "FULL_BYTES", 1 << 62)
        found = state.read(layout.root)
    assert (found.ready, found.running) == (False, True)
    assert "is full" in str(found.problem)


def test_a_full_disk_of_kafka_s_own_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics and tables often lie on disks of their own; ClickHouse goes on answering on a full one."""
    layout = a_layout(tmp_path)
    (layout.kafka / "data").mkdir(parents=True)
    free = {layout.root: 1 << 40, layout.kafka / "data": 0, layout.clickhouse / "data": 1 << 40}
    with supervised(layout):
        monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: SimpleNamespace(free=free[path]))
        problem = str(state.read(layout.root).problem)
    assert (
        problem == f"the disk of {layout.kafka / 'data'} is full: make room, and the stack recovers by itself"
    )


def test_a_process_that_died_of_a_full_disk_is_told_from_others() -> None:
    """The one line that helps is not the last of Kafka's log."""
    assert preflight.died_of_a_full_disk("java.io.IOException: No space left on device\n\tat java.base/…")
    assert not preflight.died_of_a_full_disk("java.net.BindException: Address already in use")


def test_a_folder_that_was_moved_is_described_where_it_is(tmp_path: Path) -> None:
    """Secrets are read from the folder asked for, not from where it once was."""
    layout = a_layout(tmp_path)
    state.write(layout, a_state(layout, "stopped"))
    moved = layout.root.rename(tmp_path / "moved")
    assert state.read(moved).data_dir == moved


def test_a_broken_state_is_an_error_that_says_how_to_mend_it(tmp_path: Path) -> None:
    """A traceback of a parser helps nobody."""
    layout = a_layout(tmp_path)
    layout.state.write_text("{")
    with pytest.raises(StackUnavailable, match="earwitness up"):
        state.read(layout.root)
    assert leftovers.find(layout) == []


def test_readers_never_see_half_a_state(tmp_path: Path) -> None:
    """`status` is asked while the supervisor writes."""
    layout = a_layout(tmp_path)
    finished = threading.Event()

    def write_often() -> None:
        for count in range(200):
            state.write(layout, a_state(layout, "ready", (a_process(restarts=count),) * (count % 20)))
        finished.set()

    with supervised(layout):
        writer = threading.Thread(target=write_often)
        writer.start()
        while not finished.is_set():
            assert state.read(layout.root).ready
        writer.join()


def test_only_one_supervisor_holds_a_folder(tmp_path: Path) -> None:
    """Two brokers on one set of files destroy them."""
    layout = a_layout(tmp_path)
    with supervised(layout), pytest.raises(StackUnavailable) as refusal:  # noqa: SIM117
        with lock.held(layout, lock.Holder(1, 1.0)):
            pytest.fail("the lock was given twice")
    assert "already running (pid 4711)" in str(refusal.value)
    assert "earwitness down" in str(refusal.value)
    assert not lock.is_held(layout)


@pytest.mark.parametrize(
    ("role", "kafka", "clickhouse"),
    [
        ("admin", "admin", "earwitness_admin"),
        ("worker", "worker", "earwitness_writer"),
        ("producer", "producer", ""),
        ("register", "register", ""),
        ("api", "register", "earwitness_api"),
        ("alerter", "alerter", "earwitness_alerter"),
    ],
)
def test_each_role_gets_its_own_users_and_no_other_s(
    tmp_path: Path, role: str, kafka: str, clickhouse: str
) -> None:
    """A service that leaks its settings leaks its own rights only."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        found = state.settings_for(layout.root, role)
    assert (found.kafka.username, found.clickhouse.username) == (kafka, clickhouse)
    assert found.kafka.password.get_secret_value() == read_secret(layout, f"kafka-{kafka}")
    if clickhouse:
        password = read_secret(layout, f"clickhouse-{clickhouse}")
        assert found.clickhouse.password.get_secret_value() == password
    else:
        assert found.clickhouse.password.get_secret_value() == ""
    assert set(ROLES) == {"admin", "worker", "producer", "register", "api", "alerter"}


def test_a_stopped_stack_has_no_settings(tmp_path: Path) -> None:
    """A command must say that nothing runs, not time out on a port."""
    layout = a_layout(tmp_path)
    state.write(layout, a_state(layout, "stopped"))
    with pytest.raises(StackUnavailable, match="not running"):
        state.settings_for(layout.root, "admin")


def test_a_lost_secret_is_named(tmp_path: Path) -> None:
    """Kafka's answer would only be that the authentication failed."""
    layout = a_layout(tmp_path)
    (layout.secrets / "kafka-worker").unlink()
    with supervised(layout), pytest.raises(StackUnavailable, match="kafka-worker"):
        state.settings_for(layout.root, "worker")


def test_an_explicit_folder_beats_addresses_in_the_environment(tmp_path: Path) -> None:
    """Whoever names a folder means that stack."""
    layout = a_layout(tmp_path)
    elsewhere = {"EARWITNESS_KAFKA__BOOTSTRAP": "kafka.example:9092"}
    with supervised(layout):
        found = state.resolve(layout.root, "producer", elsewhere)
    assert found.kafka.bootstrap == "127.0.0.1:41001"


@pytest.mark.parametrize("variable", state.ELSEWHERE)
def test_an_address_in_the_environment_beats_the_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """In production no folder is looked for, even where one lies about."""
    monkeypatch.chdir(tmp_path)
    address = "127.0.0.9:9092" if variable.endswith("BOOTSTRAP") else "127.0.0.9"
    found = state.resolve(None, "producer", {variable: address})
    assert "127.0.0.9" in f"{found.kafka.bootstrap} {found.clickhouse.host} {found.api.url}"


def test_without_either_the_stack_of_the_working_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`earwitness up` and then `earwitness search`, without options."""
    monkeypatch.chdir(tmp_path)
    layout = a_layout(tmp_path)
    layout.root.rename(tmp_path / ".earwitness")
    with supervised(layout_of(tmp_path / ".earwitness")):
        assert state.resolve(None, "producer", {}).kafka.bootstrap == "127.0.0.1:41001"


def test_settings_that_are_not_about_addresses_are_kept(tmp_path: Path) -> None:
    """An embedded stack can be tuned as any other."""
    layout = a_layout(tmp_path)
    with supervised(layout):
        found = state.resolve(layout.root, "worker", {"EARWITNESS_WORKER__LARGEST_BATCH": "7"})
    assert found.worker.largest_batch == 7


def test_faulty_settings_are_named_before_any_stack_is_looked_for(tmp_path: Path) -> None:
    """A typing error in a variable must not look like a missing stack."""
    with pytest.raises(ConfigurationError, match="EARWITNESS_WORKER__LARGEST_BATCH"):
        state.resolve(tmp_path, "worker", {"EARWITNESS_WORKER__LARGEST_BATCH": "many"})


def test_a_process_that_got_the_id_of_a_leftover_is_left_alone(tmp_path: Path) -> None:
    """Process ids are used again: stopping by id alone ends a stranger."""
    layout = a_layout(tmp_path)
    own = leftovers.psutil.Process()
    stranger = a_process(pid=own.pid, created_at=own.create_time() - 3600)
    unlike_ours = a_process(pid=own.pid, created_at=own.create_time())
    state.write(layout, a_state(layout, "ready", (stranger, unlike_ours)))
    assert leftovers.find(layout) == []

import errno
import os
import stat
from pathlib import Path

import pytest

from earwitness.devstack import preflight
from earwitness.devstack.layout import layout_of, prepare, write_private
from earwitness.devstack.users import make_secrets, read_secret, secret_names
from models.errors import ConfigurationError, StackUnavailable
from tests.devstack.builders import a_layout


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_its_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Another user of the machine could otherwise write evidence, or read the trail."""
    before = os.umask(0)
    try:
        layout = a_layout(tmp_path)
    finally:
        os.umask(before)
    assert mode(layout.root) == 0o700
    assert {mode(layout.secrets / name) for name in secret_names()} == {0o600}


def test_a_folder_that_was_opened_is_closed_again(tmp_path: Path) -> None:
    """A backup restored with loose rights must not stay so."""
    layout = a_layout(tmp_path)
    layout.root.chmod(0o755)
    prepare(layout)
    assert mode(layout.root) == 0o700


def test_secrets_differ_and_stay(tmp_path: Path) -> None:
    """Kafka keeps the passwords that it was formatted with."""
    layout = a_layout(tmp_path)
    first = {name: read_secret(layout, name) for name in secret_names()}
    make_secrets(layout)
    assert {name: read_secret(layout, name) for name in secret_names()} == first
    assert len(set(first.values())) == len(first)
    assert all(len(secret) >= 40 for secret in first.values())


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """`--data-dir ~` must not change the rights of a home folder."""
    (tmp_path / "letter.txt").touch()
    with pytest.raises(ConfigurationError, match="other files"):
        prepare(layout_of(tmp_path))
    assert mode(tmp_path / "letter.txt") != 0o600


def test_a_folder_that_cannot_be_made_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """The message must name the folder and the option, not show a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--data-dir"):
        prepare(layout_of(tmp_path / "file" / "data"))


def test_a_folder_with_a_comma_is_refused(tmp_path: Path) -> None:
    """Kafka would take it for two folders."""
    with pytest.raises(ConfigurationError, match="comma"):
        prepare(layout_of(tmp_path / "a,b"))


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    """`status` may read at any instant."""
    write_private(tmp_path / "file", "old")
    with (tmp_path / "file").open() as reader:
        write_private(tmp_path / "file", "new")
        assert reader.read() == "old"
    assert (tmp_path / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_noticed_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka that dies of a full disk says so in a stack trace, and loses the log's tail."""
    monkeypatch.setattr(preflight, "LEAST_FREE_BYTES", 1 << 62)
    with pytest.raises(StackUnavailable) as refusal:
        preflight.check_room(a_layout(tmp_path))
    assert "MiB free" in str(refusal.value)
    assert "--data-dir" in str(refusal.value)


def test_a_disk_that_fills_up_meanwhile_is_said_in_words(tmp_path: Path) -> None:
    """An errno helps nobody."""
    layout = a_layout(tmp_path)
    error = OSError(errno.ENOSPC, "No space left on device", str(layout.state))
    assert "is full" in preflight.explain(error, layout)


def test_every_missing_package_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One install, not one after the other."""
    monkeypatch.setattr(preflight, "PIECES", ("psutil", "not_there_1", "not_there_2"))
    with pytest.raises(ConfigurationError) as refusal:
        preflight.check_pieces()
    assert [fault.split()[2] for fault in refusal.value.faults] == ["not_there_1", "not_there_2"]
    assert "earwitness[embedded]" in str(refusal.value)

"""A folder of policy versions while a process runs: it takes up what is sound, and keeps what is known."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs
from structlog.types import EventDict

from earwitness.policy import PolicySet
from earwitness.policy_files import read_policies
from earwitness.policy_folder import PolicyFolder, PolicyWatch
from models.errors import PolicyInvalid, SinkUnavailable
from sinks.memory import MemoryTrail
from streams.policies import WAITED_FOR_S, register, register_patiently
from tests.builders import A_DAY, NOON
from tests.policy.test_policy_files import SMALL

NEXT: Final = SMALL.replace('"1"', '"2"').replace("2020-01-01T", "2026-04-01T")
"""A version whose time has not come at NOON."""

WITHIN_S: Final = 10.0


class Files:
    """The files of a folder; each write is a moment later than the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 1_000_000_000

    def write(self, version: str, text: str) -> None:
        file = self.folder / "privacy-policy" / version / "policy.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self._written += 1
        os.utime(file, (self._written, self._written))

    def remove(self, version: str) -> None:
        (self.folder / "privacy-policy" / version / "policy.toml").unlink()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.write("1", SMALL)
    return made


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as events:
        yield events


def opened(files: Files) -> PolicyFolder:
    return PolicyFolder(files.folder, now=lambda: NOON)


def versions(folder: PolicyFolder) -> list[str]:
    return [policy.version for policy in folder.current().policies]


def look_twice(folder: PolicyFolder) -> None:
    """What changed counts once it has been the same for two looks."""
    folder.refresh()
    folder.refresh()


def test_a_new_version_is_taken_up(files: Files, logged: list[EventDict]) -> None:
    """An amendment takes effect without a restart of every worker."""
    folder = opened(files)
    files.write("2", NEXT)
    folder.refresh()
    assert versions(folder) == ["1"]
    folder.refresh()
    assert versions(folder) == ["1", "2"]
    assert [event["event"] for event in logged] == ["policies_taken"]


@pytest.mark.parametrize(
    ("version", "text", "fault"),
    [
        ("2", "[[", "is not TOML"),
        ("2", NEXT.replace('"complaint"', '"complain"'), "evidence"),
        ("1", SMALL.replace("Nothing leaves", "Little leaves"), "is known by"),
        ("1", SMALL.replace("2020-", "2021-"), "is known by"),
        ("2", NEXT.replace('"2"', '"1"'), "a version never changes"),
        ("2", NEXT.replace("2026-04-01T", "2020-01-01T"), "effective_from"),
        ("2", NEXT.replace('policy = "privacy-policy"', 'policy = "other"'), "judges by one policy"),
    ],
)
def test_what_must_not_count_is_refused_and_the_last_good_set_stays(
    files: Files, logged: list[EventDict], version: str, text: str, fault: str
) -> None:
    """A slip of the pen must neither stop the judging nor change what was judged."""
    folder = opened(files)
    before = folder.current()
    files.write(version, text)
    look_twice(folder)
    assert folder.current() is before
    (event,) = logged
    assert (event["event"], event["log_level"]) == ("policy_refused", "error")
    assert any(fault in told for told in event["faults"])


def test_what_is_refused_is_told_once_for_each_change(files: Files, logged: list[EventDict]) -> None:
    """A log that repeats itself every five seconds is not read."""
    folder = opened(files)
    files.write("2", "[[")
    for _ in range(3):
        folder.refresh()
    files.write("2", "[[[")
    for _ in range(3):
        folder.refresh()
    assert len(logged) == 2


def test_a_mended_file_is_taken_up(files: Files) -> None:
    """What was refused is looked at again when it changes."""
    folder = opened(files)
    files.write("2", NEXT[:200])
    look_twice(folder)
    files.write("2", NEXT)
    look_twice(folder)
    assert versions(folder) == ["1", "2"]


def test_a_file_that_is_being_written_is_not_read(files: Files, logged: list[EventDict]) -> None:
    """It differs from look to look; a name is used up by the first content that is taken under it."""
    folder = opened(files)
    for written in range(100, len(NEXT), 50):
        files.write("2", NEXT[:written])
        folder.refresh()
    files.write("2", NEXT)
    folder.refresh()
    assert (versions(folder), logged) == (["1"], [])
    folder.refresh()
    assert versions(folder) == ["1", "2"]


def test_a_copy_that_stands_still_halfway_does_not_use_up_its_name(files: Files) -> None:
    """Every part of a version reads as a laxer one, and its digest would be known for ever."""
    trail = MemoryTrail()
    folder = PolicyFolder(files.folder, lambda found: register(trail, found), lambda: NOON)
    lines = NEXT.splitlines(keepends=True)
    for count in range(len(lines)):
        files.write("2", "".join(lines[:count]))
        look_twice(folder)
        assert versions(folder) == ["1"]
    files.write("2", NEXT)
    look_twice(folder)
    assert versions(folder) == ["1", "2"]


def test_another_file_of_the_same_size_and_time_is_a_change(files: Files, logged: list[EventDict]) -> None:
    """Copies that keep times replace files so, and what was changed must be told."""
    files.write("2", NEXT)
    folder = opened(files)
    place = files.folder / "privacy-policy" / "2"
    (place / "mended").write_text(NEXT.replace("Nothing leaves", "No content go"), encoding="utf-8")
    times = (place / "policy.toml").stat().st_mtime_ns
    os.utime(place / "mended", ns=(times, times))
    (place / "mended").replace(place / "policy.toml")
    look_twice(folder)
    assert "version 2 has digest" in logged[0]["faults"][0]


def growing_while_read(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever copies write on at the moment after the files were read."""

    def read(folder: Path) -> PolicySet:
        found = read_policies(folder)
        files.write("2", NEXT.removesuffix("[end]\n"))
        return found

    monkeypatch.setattr("earwitness.policy_folder.read_policies", read)


def test_what_changed_while_it_was_read_does_not_count(
    files: Files, monkeypatch: pytest.MonkeyPatch, logged: list[EventDict]
) -> None:
    """Half of it would be of before, half of after."""
    folder = opened(files)
    growing_while_read(files, monkeypatch)
    files.write("2", NEXT)
    look_twice(folder)
    assert (versions(folder), logged) == (["1"], [])


def test_there_is_no_start_by_what_changed_while_it_was_read(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor while a copy stands still halfway."""
    growing_while_read(files, monkeypatch)
    with pytest.raises(PolicyInvalid, match="changed while it was read"):
        opened(files)
    monkeypatch.undo()
    with pytest.raises(PolicyInvalid, match=r"does not end with the line \[end\]"):
        opened(files)


def test_a_version_that_was_in_effect_cannot_vanish(files: Files, logged: list[EventDict]) -> None:
    """Accesses of its time are still to be judged, and those of the past explained."""
    files.write("2", NEXT.replace("2026-04-01T", "2025-04-01T"))
    folder = opened(files)
    files.remove("1")
    look_twice(folder)
    assert versions(folder) == ["1", "2"]
    assert "version 1 is gone" in logged[0]["faults"][0]


def test_a_folder_that_is_empty_for_a_moment_changes_nothing(files: Files, logged: list[EventDict]) -> None:
    """A volume that is not mounted is no decision to have no policy."""
    folder = opened(files)
    files.remove("1")
    look_twice(folder)
    assert versions(folder) == ["1"]
    assert "holds no policy" in logged[0]["faults"][0]


def test_a_version_whose_time_has_not_come_may_be_taken_back(files: Files) -> None:
    """Nothing was judged by it."""
    files.write("2", NEXT)
    folder = opened(files)
    files.remove("2")
    look_twice(folder)
    assert versions(folder) == ["1"]


def test_a_comment_changes_nothing(files: Files) -> None:
    """The version is known by what it says."""
    folder = opened(files)
    files.write("1", f"# explained\n{SMALL}")
    look_twice(folder)
    assert versions(folder) == ["1"]


def test_a_version_that_begins_in_the_past_is_taken_with_a_warning(
    files: Files, logged: list[EventDict]
) -> None:
    """Accesses between its time and now were judged by the version before it."""
    folder = opened(files)
    files.write("2", NEXT.replace("2026-04-01T", "2026-03-02T"))
    look_twice(folder)
    assert versions(folder) == ["1", "2"]
    assert logged[0]["event"] == "policy_backdated"
    assert logged[0]["effective_from"] == "2026-03-02T00:00:00.000000Z"


def test_there_is_no_start_without_a_good_set(files: Files) -> None:
    """At the start nothing good is there to keep."""
    files.write("2", "[[")
    with pytest.raises(PolicyInvalid, match="is not TOML"):
        opened(files)


def test_nobody_judges_by_a_set_that_was_not_let_in(files: Files, logged: list[EventDict]) -> None:
    """Another worker may have made the version known first, with other words."""
    trail = MemoryTrail()
    folder = PolicyFolder(files.folder, lambda found: register(trail, found), lambda: NOON)
    elsewhere = Files(files.folder / "another")
    elsewhere.write("1", SMALL)
    elsewhere.write("2", NEXT)
    PolicyFolder(elsewhere.folder, lambda found: register(trail, found), lambda: NOON)
    files.write("2", NEXT.replace("Nothing leaves", "Little leaves"))
    look_twice(folder)
    assert versions(folder) == ["1"]
    assert "version 2 has digest" in logged[0]["faults"][0]


def test_a_store_that_does_not_answer_is_asked_again(files: Files) -> None:
    """A set that could not be made known is neither used nor forgotten."""
    answers = iter([None, SinkUnavailable("down"), None])

    def admit(_found: PolicySet) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    folder = PolicyFolder(files.folder, admit, lambda: NOON)
    files.write("2", NEXT)
    with pytest.raises(SinkUnavailable):
        look_twice(folder)
    assert versions(folder) == ["1"]
    folder.refresh()
    assert versions(folder) == ["1", "2"]


def await_versions(folder: PolicyFolder, wanted: list[str]) -> None:
    give_up_at = time.monotonic() + WITHIN_S
    while versions(folder) != wanted:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_watch_looks_by_itself_and_survives_an_outage(files: Files) -> None:
    """Nobody has to ask, and nobody has to start it again."""
    answers = iter([None, SinkUnavailable("down"), None])

    def admit(_found: PolicySet) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    folder = PolicyFolder(files.folder, admit, lambda: NOON)
    with PolicyWatch(folder, interval_s=0.01):
        files.write("2", NEXT)
        await_versions(folder, ["1", "2"])


def test_a_watch_survives_what_nobody_foresaw(files: Files, logged: list[EventDict]) -> None:
    """A thread that ends says nothing, and its process would judge by what it had for ever."""
    answers = iter([None, ZeroDivisionError(), None])

    def admit(_found: PolicySet) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    folder = PolicyFolder(files.folder, admit, lambda: NOON)
    with PolicyWatch(folder, interval_s=0.01):
        files.write("2", NEXT)
        await_versions(folder, ["1", "2"])
    assert [event["event"] for event in logged] == ["policies_watch_failed", "policies_taken"]


class TestRegistration:
    """A worker makes its versions known before it judges by them."""

    def sets(self, *texts: str, folder: Path) -> PolicySet:
        files = Files(folder)
        for number, text in enumerate(texts, start=1):
            files.write(str(number), text)
        return PolicyFolder(folder, now=lambda: NOON + A_DAY).current()

    def test_a_version_known_by_another_digest_stops_it(self, tmp_path: Path) -> None:
        """Both digests are named, and what to do; later versions do not become known."""
        trail = MemoryTrail()
        register(trail, self.sets(SMALL, folder=tmp_path / "a"))
        changed = SMALL.replace("Nothing leaves", "Little leaves")
        other = self.sets(changed, NEXT, folder=tmp_path / "b")
        with pytest.raises(PolicyInvalid, match=r"version 1 has digest \w{64}, but is known by \w{64};"):
            register(trail, other)
        assert [version for _, version in trail.policies] == ["1"]

    def test_a_worker_waits_for_its_store_but_not_forever(self, tmp_path: Path) -> None:
        """Both may be started together; a store that stays away is for whoever restarts the worker."""

        class Away(MemoryTrail):
            def register_policy(self, version: object) -> str:
                raise SinkUnavailable("away")

        slept: list[float] = []
        with pytest.raises(SinkUnavailable):
            register_patiently(Away(), self.sets(SMALL, folder=tmp_path), slept.append)
        assert WAITED_FOR_S <= sum(slept) <= WAITED_FOR_S + timedelta(seconds=5).total_seconds()

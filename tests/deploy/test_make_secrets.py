import hashlib
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from earwitness.devstack.users import CLICKHOUSE_USERS, secret_names
from earwitness.settings import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script needs, so that it writes nowhere else."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/make-secrets", tmp_path / "deploy/make-secrets")
    return tmp_path


def make(project: Path) -> Path:
    subprocess.run([project / "deploy/make-secrets"], check=True, capture_output=True, timeout=30)
    return project / "deploy/secrets"


def test_every_secret_is_generated_for_its_owner_alone(project: Path) -> None:
    """There is no default password: what is not generated is not there."""
    folder = make(project)
    names = {path.name for path in folder.iterdir()}
    assert names == {*secret_names(), "kafka-cluster-id", "clickhouse-hashes.xml"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_secrets_are_long_unlike_each_other_and_need_no_quoting(project: Path) -> None:
    """They stand in properties files, XML and URLs."""
    folder = make(project)
    secrets = [(folder / name).read_text() for name in secret_names()]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)
    assert len(set(secrets)) == len(secrets)


def test_what_exists_is_kept(project: Path) -> None:
    """Running the script again, or after an upgrade, must not lock anyone out."""
    folder = make(project)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "kafka-worker").unlink()
    make(project)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before.pop("kafka-worker") != after.pop("kafka-worker")
    assert before == after


def test_clickhouse_is_told_hashes_only(project: Path) -> None:
    """Its process never holds a password."""
    folder = make(project)
    told = (folder / "clickhouse-hashes.xml").read_text()
    for user in CLICKHOUSE_USERS:
        password = (folder / f"clickhouse-{user}").read_bytes()
        assert f"<{user}_sha256>{hashlib.sha256(password).hexdigest()}</{user}_sha256>" in told
        assert password.decode() not in told


def test_the_containers_user_is_never_root(project: Path) -> None:
    """Whoever runs the script owns the secrets, and the containers run as that user; root hands them on."""
    folder = make(project)
    told = dict(line.split("=") for line in (project / ".env").read_text().splitlines())
    owner = (folder / "api-token").stat()
    assert (int(told["STACK_UID"]), int(told["STACK_GID"])) == (owner.st_uid, owner.st_gid)
    assert told["STACK_UID"] != "0"

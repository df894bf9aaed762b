from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.devstack.scratch import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "data")
    try:
        started.wait()
        yield started
    finally:
        started.process.kill()
        started.process.wait()

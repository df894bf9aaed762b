"""ClickHouse as a child process: `python -m earwitness.devstack.clickhouse_server FOLDER`.

The wheel holds the whole server; a query that never ends keeps its ports open.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SERVE: Final = (
    "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
    "SELECT sleepEachRow(1) FROM system.numbers LIMIT 1000000000 FORMAT Null "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0"
)


def main() -> None:
    """Serve until killed: an insert is in the store before it is acknowledged."""
    folder = Path(sys.argv[1])
    os.chdir(folder)
    # Its import starts an engine, which reads the configuration in the working folder, all but the
    # part about logging.
    with _silenced():
        engine = importlib.import_module("chdb._chdb")
    engine.query(_SERVE, "CSV", path=str(folder / "data"))


@contextmanager
def _silenced() -> Iterator[None]:
    """Send stderr nowhere; exceptions still get through."""
    kept = os.dup(sys.stderr.fileno())
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a file
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    try:
        yield
    finally:
        os.dup2(kept, sys.stderr.fileno())
        os.close(kept)


if __name__ == "__main__":
    main()

"""A copy of the trail that is taken while workers go on storing, and that they complete once it is restored.

ClickHouse copies each table at an instant of its own. So the tables are copied in the order in which a
worker may find one ahead of another: what the ledger covers has its rows in the copy, and each row's range
its dead letters. What came later is taken from Kafka again, for as long as its topics keep it
(docs/decisions/0019-the-store-decides.md).
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException

from models.errors import QueryRejected, SinkRejected, SinkUnavailable
from sinks.clickhouse.client import CONNECT_TIMEOUT_S, Address

DONE_WITHIN_S: Final = 6 * 3_600
FIRST: Final = ("range_ledger", "access_log")
"""The tables that are copied before all others, in this order."""

OF_OTHERS: Final = "verdict_log"
"""One of the tables that are copied together behind them."""

MUST_BE_EMPTY: Final = ("access_log", "range_ledger", "evidence_log", "verdict_log")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Counted(NamedTuple):
    """What a copy holds, by its most important tables."""

    accesses: int
    ranges: int
    evidence_versions: int


def back_up(address: Address, name: str) -> None:
    """Copy every table and view to the folder `name` below the server's `backups.allowed_path`.

    Raises `QueryRejected` where the name is no name, `SinkRejected` where ClickHouse refuses (a backup
    of that name exists, or it has no folder for backups), `SinkUnavailable` where it does not answer.
    """
    _check(name)
    with _connected(address, address.database) as client:
        for table in FIRST:
            client.execute(f"BACKUP TABLE `{address.database}`.`{table}` TO File('{name}/{table}')")
        left_out = ", ".join(f"`{address.database}`.`{table}`" for table in FIRST)
        client.execute(
            f"BACKUP DATABASE `{address.database}` EXCEPT TABLES {left_out} TO File('{name}/others')"
        )


def restore(address: Address, name: str) -> Counted:
    """Put a copy in the place of an empty trail; the schema is that of the copy. Say what it holds.

    No worker may run. Raises as `back_up` does, and `QueryRejected` where the trail is not empty.
    """
    _check(name)
    with _connected(address, "default") as client:
        _refuse_to_overwrite(client, address.database)
        _try(client, address.database, name)
        client.execute(f"DROP DATABASE IF EXISTS `{address.database}` SYNC")
        client.execute(f"CREATE DATABASE `{address.database}`")
        for table in FIRST:
            client.execute(f"RESTORE TABLE `{address.database}`.`{table}` FROM File('{name}/{table}')")
        client.execute(f"RESTORE DATABASE `{address.database}` FROM File('{name}/others')")
        counts = (
            client.execute(f"SELECT count() FROM `{address.database}`.`{table}`")[0][0]  # noqa: S608 - names of ours
            for table in ("access_log", "range_ledger", "evidence_log")
        )
        return Counted(*counts)


def _refuse_to_overwrite(client: Client, database: str) -> None:
    tables = client.execute(
        "SELECT name FROM system.tables WHERE database = %(database)s AND name IN %(names)s"
        " AND total_rows > 0",
        {"database": database, "names": MUST_BE_EMPTY},
    )
    if tables:
        names = ", ".join(sorted(name for (name,) in tables))
        raise QueryRejected(
            f"the database {database} holds rows ({names}), which a restore would replace",
            "restore into a new data folder, or rename or drop the database first",
        )


def _try(client: Client, database: str, name: str) -> None:
    """Restore the structure of a table of each part elsewhere, before anything is dropped."""
    aside = f"{database}_restoring"
    client.execute(f"DROP DATABASE IF EXISTS `{aside}` SYNC")
    client.execute(f"CREATE DATABASE `{aside}`")
    try:
        for table, part in (*zip(FIRST, FIRST, strict=True), (OF_OTHERS, "others")):
            client.execute(
                f"RESTORE TABLE `{database}`.`{table}` AS `{aside}`.`{table}` FROM File('{name}/{part}')"
                " SETTINGS structure_only = true"
            )
    finally:
        client.execute(f"DROP DATABASE `{aside}` SYNC")


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise QueryRejected(
            f"{name!r} is no name of a backup", "use letters, digits, dot, dash and underscore, as 2026-11-26"
        )


@contextmanager
def _connected(address: Address, database: str) -> Iterator[Client]:
    # The driver reports a failing connection with a trace; our error says it once.
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
    arguments = {**address._asdict(), "database": database}
    client = Client(**arguments, connect_timeout=CONNECT_TIMEOUT_S, send_receive_timeout=DONE_WITHIN_S)
    where = f"ClickHouse {address.host}:{address.port}"
    try:
        yield client
    except ServerException as error:
        said = str(error.message).split("Stack trace:", maxsplit=1)[0].replace("DB::Exception:", "").strip()
        raise SinkRejected(f"{where} refused (code {error.code}): {said}") from error
    except (Error, OSError, EOFError) as error:
        raise SinkUnavailable(f"{where} did not answer: {error}") from error
    finally:
        client.disconnect()

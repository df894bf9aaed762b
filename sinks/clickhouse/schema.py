"""The schema of the trail: numbered SQL migrations, applied by clickhouse-migrations."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clickhouse_driver.errors import Error
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException
from clickhouse_migrations.migrator import STATUS_APPLIED

from models.errors import SinkRejected, SinkUnavailable
from sinks.clickhouse.client import Address

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(address: Address) -> list[int]:
    """Apply the migrations that are missing, in order; give the numbers of those applied.

    Raises `SinkUnavailable` where ClickHouse does not answer, `SinkRejected` where a migration that
    was applied has changed since, or ClickHouse refuses one.
    """
    with _cluster(address) as cluster:
        applied = cluster.migrate(
            address.database, MIGRATIONS, create_db_if_no_exists=True, multi_statement=True
        )
        return [migration.version for migration in applied or ()]


def pending(address: Address) -> list[int]:
    """Give the numbers of the migrations that are not applied, or not as they are now.

    Raises as `migrate` does.
    """
    with _cluster(address) as cluster:
        rows = cluster.status(address.database, MIGRATIONS)
        return [row.version for row in rows if row.state != STATUS_APPLIED]


@contextmanager
def _cluster(address: Address) -> Iterator[ClickhouseCluster]:
    # The library reports each failing statement with the server's stack trace; our error says it once.
    logging.getLogger("clickhouse_migrations").setLevel(logging.CRITICAL)
    try:
        yield ClickhouseCluster(
            db_host=address.host,
            db_port=str(address.port),
            db_user=address.user,
            db_password=address.password,
            secure=address.secure,
        )
    except MigrationException as error:
        raise SinkRejected(f"the migrations in {MIGRATIONS} do not fit the database: {error}") from error
    except (Error, OSError, EOFError) as error:
        summary = str(error).split("Stack trace:", maxsplit=1)[0].strip()
        raise SinkUnavailable(
            f"ClickHouse {address.host}:{address.port} could not be migrated: {summary}"
        ) from error

"""The schema of the trail: numbered SQL migrations, applied by clickhouse-migrations."""

import logging
from pathlib import Path
from typing import Final

from clickhouse_driver.errors import Error
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException

from models.errors import SinkRejected, SinkUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(host: str, port: int, *, database: str, user: str, password: str, secure: bool) -> list[int]:
    """Apply the migrations that are missing, in order; give the numbers of those applied.

    Raises `SinkUnavailable` where ClickHouse does not answer, `SinkRejected` where a migration that
    was applied has changed since, or ClickHouse refuses one.
    """
    # The library reports each failing statement with the server's stack trace; our error says it once.
    logging.getLogger("clickhouse_migrations").setLevel(logging.CRITICAL)
    try:
        cluster = ClickhouseCluster(
            db_host=host, db_port=str(port), db_user=user, db_password=password, secure=secure
        )
        applied = cluster.migrate(database, MIGRATIONS, create_db_if_no_exists=True, multi_statement=True)
    except MigrationException as error:
        raise SinkRejected(f"the migrations in {MIGRATIONS} do not fit the database: {error}") from error
    except (Error, OSError, EOFError) as error:
        summary = str(error).split("Stack trace:", maxsplit=1)[0].strip()
        raise SinkUnavailable(f"ClickHouse {host}:{port} could not be migrated: {summary}") from error
    return [migration.version for migration in applied or ()]

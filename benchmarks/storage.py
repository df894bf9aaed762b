"""What an access costs on disk, column by column."""

from typing import NamedTuple

from clickhouse_driver import Client


class Storage(NamedTuple):
    """Compressed bytes an access, after merging: of each column, of the skip indexes, of each projection."""

    columns: dict[str, float]
    indexes: float
    projections: dict[str, float]

    @property
    def total(self) -> float:
        """Bytes an access, columns, indexes and projections together."""
        return sum(self.columns.values()) + self.indexes + sum(self.projections.values())


def measure(client: Client, table: str) -> Storage:
    """Merge the table's parts and read their sizes."""
    client.execute(f"OPTIMIZE TABLE {table} FINAL")
    ((rows,),) = client.execute(f"SELECT count() FROM {table}")  # noqa: S608 - our own names
    columns = client.execute(
        "SELECT name, data_compressed_bytes FROM system.columns"
        " WHERE database = currentDatabase() AND table = %(table)s ORDER BY data_compressed_bytes DESC",
        {"table": table},
    )
    ((indexes,),) = client.execute(
        "SELECT sum(data_compressed_bytes) FROM system.data_skipping_indices"
        " WHERE database = currentDatabase() AND table = %(table)s",
        {"table": table},
    )
    projections = client.execute(
        "SELECT name, sum(bytes_on_disk) AS size FROM system.projection_parts"
        " WHERE active AND database = currentDatabase() AND table = %(table)s"
        " GROUP BY name ORDER BY size DESC",
        {"table": table},
    )
    return Storage(
        {name: size / rows for name, size in columns},
        indexes / rows,
        {name: size / rows for name, size in projections},
    )

"""What an access costs on disk, column by column."""

from typing import NamedTuple

from clickhouse_driver import Client


class Storage(NamedTuple):
    """Compressed bytes an access, after merging: of each column, and of the skip indexes."""

    columns: dict[str, float]
    indexes: float

    @property
    def total(self) -> float:
        """Bytes an access, columns and indexes together."""
        return sum(self.columns.values()) + self.indexes


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
    return Storage({name: size / rows for name, size in columns}, indexes / rows)

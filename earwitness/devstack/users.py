"""Who may do what in the embedded stack: the users of Kafka and ClickHouse, and their passwords."""

import secrets
from typing import Final, NamedTuple

from earwitness.devstack.layout import Layout, write_private

SECRET_BYTES: Final = 32
KAFKA_USERS: Final = ("broker", "admin", "producer", "register", "worker", "alerter")
"""`broker` is Kafka itself; `admin` may do everything; the others what their ACLs allow."""

CLICKHOUSE_USERS: Final = (
    "earwitness_admin",
    "earwitness_writer",
    "earwitness_reader",
    "earwitness_api",
    "earwitness_alerter",
)
SCOPES: Final = "earwitness_scopes"
"""The secret that the prepared users of scoped tokens share: the API alone asks as them."""

STATEMENT_KEY: Final = "statement-key"
"""What signs the links by which actors answer: the alerter makes them, the API reads them."""

API_TOKEN: Final = "api-token"  # noqa: S105 - the name of a file


class Role(NamedTuple):
    """As whom a process speaks to each part. None: not at all."""

    kafka: str
    clickhouse: str | None


ROLES: Final = {
    "admin": Role("admin", "earwitness_admin"),
    "worker": Role("worker", "earwitness_writer"),
    "producer": Role("producer", None),
    "register": Role("register", None),
    "api": Role("register", "earwitness_api"),
    "alerter": Role("alerter", "earwitness_alerter"),
}


def secret_names() -> list[str]:
    """Name every secret of a stack, as its file is called."""
    kafka = [f"kafka-{user}" for user in KAFKA_USERS]
    return [*kafka, *(f"clickhouse-{user}" for user in (*CLICKHOUSE_USERS, SCOPES)), API_TOKEN, STATEMENT_KEY]


def make_secrets(layout: Layout) -> None:
    """Generate the secrets that do not exist yet."""
    for name in secret_names():
        path = layout.secrets / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(SECRET_BYTES) + "\n")


def read_secret(layout: Layout, name: str) -> str:
    """Give one secret. Raises OSError where its file cannot be read."""
    return (layout.secrets / name).read_text(encoding="utf-8").strip()

"""The connections of the API as the ClickHouse users that stand for scopes, made when first asked."""

import threading

from earwitness.api.sources import ScopedStores
from earwitness.cli import wiring
from earwitness.query.clickhouse import ClickHouseStore
from earwitness.query.clickhouse_http import HttpAddress, HttpStore
from earwitness.query.exporting import MOST_AT_ONCE
from earwitness.settings import ClickHouseSettings, Settings
from models.errors import SinkUnavailable
from sinks.clickhouse.client import Address
from sinks.clickhouse.scopes import SCOPE_USERS


class ScopeStores:
    """Stores for each of those users; there are `MOST_SCOPES` of them."""

    def __init__(self, loaded: Settings) -> None:
        self._address = wiring.clickhouse(loaded.clickhouse)
        self._password = loaded.clickhouse.scopes_password.get_secret_value()
        self._clickhouse = loaded.clickhouse
        self._timeout_s = loaded.api.query_timeout_s
        self._stores: dict[str, ScopedStores] = {}
        self._making = threading.Lock()
        self._opened: list[ClickHouseStore | HttpStore] = []

    def of(self, user: str) -> ScopedStores:
        """Give the stores of one user.

        Raises `SinkUnavailable` where it is none of them, or there is no password to log in with.
        """
        if user not in SCOPE_USERS:
            raise SinkUnavailable(f"{user} is no ClickHouse user of a scope")
        if not self._password:
            raise SinkUnavailable(
                "EARWITNESS_CLICKHOUSE__SCOPES_PASSWORD is not set, so scoped tokens cannot be answered"
            )
        with self._making:
            if user not in self._stores:
                address = self._address._replace(user=user, password=self._password)
                own = ClickHouseStore(**address._asdict(), query_timeout_s=self._timeout_s)
                people = ClickHouseStore(
                    **address._asdict(), query_timeout_s=self._timeout_s, author="person"
                )
                http = over_http(address, self._clickhouse)
                formatting = HttpStore(http, query_timeout_s=self._timeout_s, connections=MOST_AT_ONCE)
                self._opened += (own, people, formatting)
                self._stores[user] = ScopedStores(own, people, formatting)
            return self._stores[user]

    def close(self) -> None:
        """Close every connection."""
        for store in self._opened:
            store.close()


def over_http(address: Address, settings: ClickHouseSettings) -> HttpAddress:
    """Describe the HTTP interface of the same server, for the same user."""
    return HttpAddress(**{**address._asdict(), "port": settings.http_port})

"""The users of scopes for a ClickHouse that we do not start: `python -m earwitness.devstack.deployed_scopes`.

It writes deploy/clickhouse/users.d/scopes.xml, which tests/deploy compares with the embedded stack.
"""

from pathlib import Path
from typing import Final

from earwitness.devstack.clickhouse_config import SCOPE_QUOTA, scope_users
from earwitness.devstack.users import SCOPES
from earwitness.settings import ROOT

FILE: Final = ROOT / "deploy/clickhouse/users.d/scopes.xml"
EVERYWHERE: Final = "::/0"
"""As for the other users of the deployment: its network is its own."""

_HEAD: Final = """\
<!-- The users as whom the API asks for scoped tokens, written by `python -m
     earwitness.devstack.deployed_scopes`. The hash of the password that they share is in the file that
     deploy/make-secrets writes. -->
"""


def document() -> str:
    """Give the file."""
    users = scope_users(f'<password_sha256_hex incl="{SCOPES}_sha256"/>', EVERYWHERE)
    quotas = f"  <quotas>\n{SCOPE_QUOTA}  </quotas>\n"
    return f"{_HEAD}<clickhouse>\n{quotas}  <users>\n{users}  </users>\n</clickhouse>\n"


def main(file: Path = FILE) -> None:
    """Write it."""
    file.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()

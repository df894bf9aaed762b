"""What a stack's API says of its registers, for the commands that look at a stack as a whole."""

from typing import Any, Final

import httpx

from earwitness.settings import ApiSettings
from models.errors import StackUnavailable

ANSWER_TIMEOUT_S: Final = 5.0
PATH: Final = "/api/v1/registers"

Json = dict[str, Any]


def ask_registers(api: ApiSettings) -> list[Json]:
    """Give every register that ever beat, and whether it is overdue now.

    Raises `StackUnavailable` where the API does not tell: nothing is then known of any register.
    """
    url = (api.url or f"http://{api.host}:{api.port}").rstrip("/")
    headers = {"Authorization": f"Bearer {api.token.get_secret_value()}"}
    try:
        answer = httpx.get(f"{url}{PATH}", headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        registers: list[Json] = answer.json()["registers"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise StackUnavailable(f"{url}{PATH}: {type(error).__name__}: {error}") from error
    return registers

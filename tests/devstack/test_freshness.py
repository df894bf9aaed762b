"""What is said of the registers of a stack as a whole."""

from datetime import UTC, datetime, timedelta

import pytest

from earwitness.api.app import create_app
from earwitness.devstack.check_stack import _registers
from earwitness.devstack.freshness import ask_registers
from earwitness.query.store import Answer
from earwitness.settings import ApiSettings, Settings
from models.errors import PipelineError, SinkUnavailable, StackUnavailable
from tests.api.serving import TOKEN, CannedStore, Kept, serving, sources

DOWN = SinkUnavailable("ClickHouse did not answer")


def stored(*silent_s: int) -> Answer:
    """Registers that promised a beat every minute and have been silent for so long."""
    now = datetime.now(UTC)
    rows = [(f"r{s}", ["complaint"], 60, now - timedelta(seconds=s)) for s in silent_s]
    return Answer(("name", "kinds", "every_s", "beat_at"), (), rows)


def checked(answer: Answer | PipelineError, token: str = TOKEN) -> tuple[str, str]:
    """Have the doctor look at the registers of an API on these answers."""
    app = create_app(sources(CannedStore(answer), Kept()), token=TOKEN, largest_page=10)
    with serving(app) as url:
        check = _registers(Settings(api=ApiSettings.model_validate({"url": url, "token": token})))
    return check.outcome, f"{check.detail} {check.remedy}"


@pytest.mark.parametrize(
    ("silent_s", "outcome", "said"),
    [
        ((), "ok", "none beats, so none can be overdue"),
        ((5, 30), "ok", "2, none overdue"),
        ((5, 7_860), "warn", "r7860 is overdue by 2 h 10 min docs/runbooks/register-overdue.md"),
    ],
)
def test_the_doctor_names_the_registers_that_are_silent(
    silent_s: tuple[int, ...], outcome: str, said: str
) -> None:
    """It warns: earwitness is well, but its verdicts are to be doubted, and the runbook says what to do."""
    found = checked(stored(*silent_s))
    assert (found[0], said in found[1]) == (outcome, True), found


@pytest.mark.parametrize(("answer", "token"), [(DOWN, TOKEN), (stored(), "another stack's")])
def test_registers_that_cannot_be_asked_are_not_called_well(
    answer: Answer | PipelineError, token: str
) -> None:
    """Nothing is known of any of them then."""
    assert checked(answer, token)[0] == "fail"


def test_an_api_that_is_not_there_is_named() -> None:
    """The address is what an operator looks at first."""
    with pytest.raises(StackUnavailable, match="/api/v1/registers: ConnectError"):
        ask_registers(ApiSettings(url="http://127.0.0.1:1"))

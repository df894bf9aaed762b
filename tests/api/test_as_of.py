"""Accesses as known at an instant, through the API: answered, refused, recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from earwitness.cli.client import ApiClient, NotYetRecorded
from models.errors import QueryRejected
from models.fields import format_time, parse_time
from tests.conftest import Stack
from tests.query.past import Past, write_past

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def past(stack: Stack) -> Past:
    return write_past(stack)


def asked(stack: Stack, action: str, past: Past) -> list[tuple[Any, ...]]:
    """What the activity log says of the readings of one access, the newest first."""
    client = stack.clickhouse("reader")
    rows: list[tuple[Any, ...]] = client.execute(
        "SELECT query, row_count FROM activity WHERE action = %(action)s AND startsWith(query, %(id)s)"
        " ORDER BY time DESC",
        {"action": action, "id": past.id},
    )
    client.disconnect()
    return rows


def test_an_access_is_shown_as_it_was_known(api: ApiClient, past: Past) -> None:
    """With the instant, so that whoever keeps the answer knows what it is an answer to."""
    as_of = format_time(past.when_unjustified)
    shown = api.get("accesses", past.id, as_of=as_of)
    assert shown["as_of"] == as_of
    assert [row["verdict"] for row in shown["accesses"]] == ["unjustified"]
    now = api.get("accesses", past.id)
    assert (now["as_of"], [row["verdict"] for row in now["accesses"]]) == (None, ["justified"])


def test_an_explanation_is_of_what_was_known(api: ApiClient, past: Past) -> None:
    """The same access was explained otherwise before its contract was changed."""
    then = api.get("accesses", past.id, "explanation", as_of=format_time(past.when_unjustified))
    assert [each["access"]["reason"] for each in then["explanations"]] == ["evidence_wrong_function"]
    assert [each["as_of"] for each in then["explanations"]] == [then["as_of"]]


@pytest.mark.parametrize(("action", "below"), [("show", ()), ("explain", ("explanation",))])
def test_the_instant_is_recorded_whole(
    api: ApiClient, stack: Stack, past: Past, action: str, below: tuple[str, ...]
) -> None:
    """A relative time would mean nothing to whoever reads the record next year."""
    answer = api.get("accesses", past.id, *below, as_of="45m")
    assert abs(parse_time(answer["as_of"]) - (datetime.now(UTC) - timedelta(minutes=45))) < timedelta(
        minutes=1
    )
    assert asked(stack, action, past)[0] == (f"{past.id} --as-of {answer['as_of']}", 1)


@pytest.mark.parametrize(("action", "below"), [("show", ()), ("explain", ("explanation",))])
def test_what_was_not_yet_recorded_is_said_with_when_it_was(
    api: ApiClient, stack: Stack, past: Past, action: str, below: tuple[str, ...]
) -> None:
    """Not the same as an id that nobody knows; and that somebody asked is recorded all the same."""
    as_of = format_time(past.before_the_access)
    with pytest.raises(NotYetRecorded, match="was not yet recorded at") as caught:
        api.find("accesses", past.id, *below, as_of=as_of)
    assert f"it was received at {format_time(past.happened_at)[:23]}" in str(caught.value)
    assert asked(stack, action, past)[0] == (f"{past.id} --as-of {as_of}", 0)


def test_an_id_that_nobody_knows_is_not_there_at_any_time(api: ApiClient) -> None:
    """As without an instant."""
    assert api.find("accesses", str(uuid4()), as_of="1h") is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"as_of": "2299-01-01"}, "lies in the future"),
        ({"as_of": "tomorrow"}, "is no time"),
        ({"as_of": ""}, "is no time"),
        ({"as_if": "1h"}, "there is no parameter as_if"),
    ],
)
@pytest.mark.parametrize("below", [(), ("explanation",)])
def test_what_is_no_instant_of_the_past_is_refused(
    api: ApiClient, past: Past, parameters: dict[str, str], said: str, below: tuple[str, ...]
) -> None:
    """An answer about now, given to a question about then, would be believed."""
    with pytest.raises(QueryRejected, match=said):
        api.get("accesses", past.id, *below, **parameters)

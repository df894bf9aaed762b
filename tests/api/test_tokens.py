"""Tokens on the real ClickHouse: made once, known by their hash, ended by time or by an admin."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from earwitness.api.keys import REVOKED_WITHIN_S
from earwitness.api.tokens import RESERVED
from models.tokens import digest_of
from tests.api.holders import create, holder, http
from tests.conftest import Stack

pytestmark = pytest.mark.stack


def kept(stack: Stack, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    client = stack.clickhouse("admin")
    try:
        found: list[tuple[Any, ...]] = client.execute(query, parameters)
    finally:
        client.disconnect()
    return found


def test_a_token_is_shown_once_and_kept_as_its_hash(stack: Stack) -> None:
    """Whoever reads the table, or the list, or the activity log, cannot ask with what is there."""
    made = create(stack, "reader", expires="30d")
    secret, name = made["token"], made["name"]
    assert secret.startswith("ew_")
    assert len(secret) == 3 + 43
    ((row,),) = kept(stack, "SELECT toString(tuple(*)) FROM token_log WHERE name = %(name)s", name=name)
    assert digest_of(secret) in row
    assert secret not in row
    with http(stack) as admin:
        (listed,) = [each for each in admin.get("/tokens").json()["tokens"] if each["name"] == name]
    assert (listed["last_four"], listed["state"], listed["role"]) == (secret[-4:], "in force", "reader")
    assert secret not in str(listed)
    told = kept(stack, "SELECT query FROM activity_log WHERE position(query, %(name)s) > 0", name=name)
    assert told
    assert secret not in str(told)


def test_what_becomes_of_a_token_is_in_the_activity_log(stack: Stack) -> None:
    """Who made whom what, and who ended it."""
    name = create(stack, "investigator", customers=["acme"])["name"]
    with http(stack) as admin:
        assert admin.post(f"/tokens/{name}/revocation", json={}).status_code == 200
    found = kept(
        stack,
        "SELECT principal, action, query, customer_ids FROM activity_log"
        " WHERE startsWith(query, %(name)s) ORDER BY time",
        name=name,
    )
    assert [(who, action) for who, action, *_ in found] == [
        ("api-token", "tokens.create"),
        ("api-token", "tokens.revoke"),
    ]
    assert "--role investigator --customer acme" in found[0][2]
    assert found[0][3] == ["acme"]


def test_the_holder_is_the_principal_of_what_is_read(stack: Stack) -> None:
    """The log answers who, and not only that somebody had a token."""
    made = create(stack, "reader")
    with http(stack, made["token"]) as client:
        assert client.get("/search?q=actor:nobody-at-all").status_code == 200
    found = kept(stack, "SELECT action FROM activity_log WHERE principal = %(name)s", name=made["name"])
    assert found == [("search",)]


def test_a_revoked_token_is_refused_within_seconds(stack: Stack) -> None:
    """And the answer says what it is and what to do."""
    made = create(stack, "reader")
    with http(stack, made["token"]) as client, http(stack) as admin:
        assert client.get("/search").status_code == 200
        assert admin.post(f"/tokens/{made['name']}/revocation", json={}).status_code == 200
        time.sleep(REVOKED_WITHIN_S)
        answer = client.get("/search")
        again = admin.post(f"/tokens/{made['name']}/revocation", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_revoked")
    assert "earwitness tokens create" in answer.json()["error"]["hint"]
    assert again.status_code == 404


def test_a_revocation_by_another_process_is_seen(stack: Stack) -> None:
    """Several processes serve the API; each looks at the log anew after two seconds."""
    made = create(stack, "reader")
    with http(stack, made["token"]) as client:
        assert client.get("/search").status_code == 200
        kept(
            stack,
            "INSERT INTO token_log (action, name, done_by) VALUES ('revoked', %(name)s, 'another')",
            name=made["name"],
        )
        time.sleep(REVOKED_WITHIN_S + 0.5)
        assert client.get("/search").status_code == 401


def test_an_expired_token_is_refused(stack: Stack) -> None:
    """A token that somebody lost is worth nothing by then."""
    made = create(stack, "reader")
    ended = datetime.now(UTC) - timedelta(seconds=1)
    kept(
        stack,
        "INSERT INTO token_log (action, name, digest, role, expires_at)"
        " VALUES ('created', 'lost', %(digest)s, 'admin', %(ended)s)",
        digest=digest_of("ew_lost"),
        ended=ended.replace(tzinfo=None),
    )
    time.sleep(REVOKED_WITHIN_S + 0.5)
    with http(stack, "ew_lost") as client:
        answer = client.get("/search")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_expired")
    assert made["expires_at"] > datetime.now(UTC).isoformat()


def test_a_token_lives_ninety_days_unless_said(stack: Stack) -> None:
    """Nobody gets one for ever by saying nothing."""
    expires_at = datetime.fromisoformat(create(stack, "reader")["expires_at"])
    assert timedelta(days=89) < expires_at - datetime.now(UTC) <= timedelta(days=90)


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"role": "owner"}, 400),
        ({"role": "reader", "expires": "0d"}, 400),
        ({"role": "reader", "expires": "367d"}, 400),
        ({"role": "reader", "expires": "for ever"}, 400),
        ({"role": "reader", "name": "Not A Name"}, 400),
        ({"role": "reader", "customers": [""]}, 400),
        ({"role": "reader", "customers": ["*"]}, 400),
        ({"role": "reader", "customers": [f"c-{number}" for number in range(101)]}, 400),
        ({"role": "admin", "customers": ["acme"]}, 400),
        *(({"role": "reader", "name": name}, 400) for name in sorted(RESERVED)),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(stack: Stack, wish: dict[str, Any], status: int) -> None:
    """Before anything is kept."""
    before = kept(stack, "SELECT count() FROM token_log")
    with http(stack) as admin:
        assert admin.post("/tokens", json={"name": "a-name", **wish}).status_code == status
    assert kept(stack, "SELECT count() FROM token_log") == before


def test_a_name_is_held_by_one_at_a_time(stack: Stack) -> None:
    """In the activity log it must mean one holder; once its token has ended it may be given again."""
    name = create(stack, "reader")["name"]
    with http(stack) as admin:
        assert admin.post("/tokens", json={"name": name, "role": "reader"}).status_code == 400
        admin.post(f"/tokens/{name}/revocation", json={})
        assert admin.post("/tokens", json={"name": name, "role": "reader"}).status_code == 201


@pytest.mark.parametrize("role", ["reader", "investigator", "auditor"])
def test_only_an_admin_makes_tokens(stack: Stack, role: str) -> None:
    """Else every role would be the highest one."""
    with holder(stack, role) as client:
        answers = [
            client.get("/tokens"),
            client.post("/tokens", json={"name": "me-too", "role": "admin"}),
            client.post("/tokens/anyone/revocation", json={}),
        ]
    assert {answer.status_code for answer in answers} == {403}
    assert "that needs admin" in answers[0].json()["error"]["message"]

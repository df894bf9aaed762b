"""How often may be asked, and who is not listened to any more."""

from datetime import UTC, datetime

import pytest

from earwitness.api import gate
from earwitness.api.throttling import LOCKED_S, MOST_WRONG_TOKENS, LockOut, RateLimit
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, Purse, a_token, client_of


def test_a_token_may_ask_so_often_in_a_minute() -> None:
    """And again when some time has passed; the answer says how much."""
    rate = RateLimit(per_minute=60)
    assert [rate.wait_s("ann", 0.0) for _ in range(60)] == [0] * 60
    assert rate.wait_s("ann", 0.0) == 1
    assert rate.wait_s("bob", 0.0) == 0
    assert rate.wait_s("ann", 1.0) == 0
    assert rate.wait_s("ann", 1.0) == 1


def test_an_address_that_tries_wrong_tokens_is_locked_out_for_a_while() -> None:
    """Others are not."""
    lock_out = LockOut()
    for number in range(MOST_WRONG_TOKENS):
        assert lock_out.wait_s("192.0.2.1", float(number)) == 0
        lock_out.note_wrong("192.0.2.1", float(number))
    last = MOST_WRONG_TOKENS - 1.0
    assert lock_out.wait_s("192.0.2.1", last) == LOCKED_S
    assert lock_out.wait_s("192.0.2.2", last) == 0
    assert lock_out.wait_s("192.0.2.1", last + LOCKED_S) == 0


def test_a_slip_now_and_then_locks_nobody_out() -> None:
    """Only tries within a minute count together."""
    lock_out = LockOut()
    for number in range(5 * MOST_WRONG_TOKENS):
        lock_out.note_wrong("192.0.2.1", number * LOCKED_S / 2)
    assert lock_out.wait_s("192.0.2.1", 5 * MOST_WRONG_TOKENS * LOCKED_S / 2) == 0


def test_the_addresses_of_one_ipv6_network_are_one_client() -> None:
    """Each subscriber has more of them than could be counted."""
    lock_out = LockOut()
    for number in range(MOST_WRONG_TOKENS):
        lock_out.note_wrong(f"2001:db8::{number:x}", 0.0)
    assert lock_out.wait_s("2001:db8::ffff", 0.0) > 0
    assert lock_out.wait_s("2001:db8:0:1::1", 0.0) == 0


def test_memory_is_bounded_however_many_come() -> None:
    """Addresses cost an attacker nothing."""
    lock_out, rate = LockOut(most_addresses=100), RateLimit(most=100)
    for number in range(10_000):
        lock_out.note_wrong(f"10.0.{number // 256}.{number % 256}", 0.0)
        rate.wait_s(f"token-{number}", 0.0)
    assert (len(lock_out), len(rate)) == (100, 100)


def test_a_client_that_guesses_is_told_to_wait() -> None:
    """Even the right token is not tried then, so that nobody learns that it was right."""
    activity = Kept()
    with client_of(CannedStore(NOTHING), activity, token="ew_guessed") as client:
        answers = [client.get("/api/v1/search") for _ in range(MOST_WRONG_TOKENS + 1)]
        right = client.get("/api/v1/search", headers={"Authorization": f"Bearer {TOKEN}"})
        watched = client.get("/livez")
    assert [answer.status_code for answer in answers] == [401] * MOST_WRONG_TOKENS + [429]
    assert (right.status_code, right.json()["error"]["code"]) == (429, "locked_out")
    assert 0 < int(right.headers["retry-after"]) <= LOCKED_S
    assert watched.status_code == 200
    (kept,) = activity.activities
    assert (kept.action, kept.principal, kept.query) == (
        "locked_out",
        "address:127.0.0.1",
        "10 wrong tokens within 60 s",
    )


def test_a_token_that_has_ended_is_refused_on_record() -> None:
    """Somebody still has it, who should not: whose it was is worth knowing."""
    activity, long_ago = Kept(), datetime(2026, 1, 1, tzinfo=UTC)
    purse = Purse(
        a_token("ew_revoked", name="ann", revoked_at=long_ago, revoked_by="root"),
        a_token("ew_expired", name="bob", expires_at=long_ago),
    )
    for secret in ("ew_revoked", "ew_expired"):
        with client_of(CannedStore(NOTHING), activity, token=secret, purse=purse) as client:
            assert client.get("/api/v1/search", params={"q": "actor:e-1"}).status_code == 401
    assert [(each.action, each.principal, each.query) for each in activity.activities] == [
        ("refused", name, "GET /api/v1/search?q=actor%3Ae-1") for name in ("ann", "bob")
    ]


def test_a_client_without_a_token_guesses_nothing() -> None:
    """A browser or a scanner that was never given one locks nobody out who shares its address."""
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        answers = [client.get("/api/v1/search") for _ in range(2 * MOST_WRONG_TOKENS)]
        right = client.get("/api/v1/search", headers={"Authorization": f"Bearer {TOKEN}"})
    assert {answer.status_code for answer in answers} == {401}
    assert right.status_code == 200


def test_a_token_that_asks_too_often_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the seconds to wait, as clients understand them."""
    monkeypatch.setattr(gate, "RateLimit", lambda: RateLimit(per_minute=2))
    with client_of(CannedStore(NOTHING), Kept()) as client:
        *answered, refused = [client.get("/api/v1/search") for _ in range(3)]
    assert [answer.status_code for answer in answered] == [200, 200]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "30"

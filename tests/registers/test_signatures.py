from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from earwitness.registers.config import Flavour
from earwitness.registers.signatures import Delivery, Forged, check
from tests.registers.deliveries import (
    NOW,
    SECRET,
    a_ticket,
    an_issue,
    body_of,
    jira_headers,
    our_headers,
    zendesk_headers,
)

Sign = Callable[..., dict[str, str]]
FLAVOURS: list[tuple[Flavour, Sign, bytes]] = [
    ("zendesk", zendesk_headers, body_of(a_ticket())),
    ("jira", jira_headers, body_of(an_issue())),
    ("earwitness", our_headers, body_of({"id": "E-1"})),
]


def a_delivery(headers: dict[str, str], body: bytes) -> Delivery:
    return Delivery({name.lower(): value for name, value in headers.items()}, body)


def forged(flavour: Flavour, headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(Forged) as refused:
        check(flavour, SECRET, a_delivery(headers, body))
    return str(refused.value)


@pytest.mark.parametrize(("flavour", "sign", "body"), FLAVOURS)
def test_a_genuine_delivery_tells_when_it_was_signed(flavour: Flavour, sign: Sign, body: bytes) -> None:
    """The time is part of what is signed: nobody can make an old delivery young."""
    assert check(flavour, SECRET, a_delivery(sign(body), body)).at == NOW


@pytest.mark.parametrize(("flavour", "sign", "body"), FLAVOURS)
def test_another_secret_or_another_body_proves_nothing(flavour: Flavour, sign: Sign, body: bytes) -> None:
    """One octet is enough."""
    wanted = "the signature is not the one of this secret"
    assert forged(flavour, sign(body, secret=SECRET + b"x"), body) == wanted
    assert forged(flavour, sign(body), body.replace(b'"', b"'", 1)) == wanted


@pytest.mark.parametrize(("flavour", "sign", "body"), FLAVOURS)
def test_a_delivery_without_a_signature_proves_nothing(flavour: Flavour, sign: Sign, body: bytes) -> None:
    """Each header that is needed is named."""
    for name in sign(body):
        headers = {other: value for other, value in sign(body).items() if other != name}
        assert forged(flavour, headers, body) == f"the header {name.lower()} is missing"


@pytest.mark.parametrize(
    ("flavour", "sign", "name"),
    [
        ("zendesk", zendesk_headers, "X-Zendesk-Webhook-Signature-Timestamp"),
        ("earwitness", our_headers, "X-Earwitness-Timestamp"),
    ],
)
def test_a_signature_is_no_good_with_another_time(flavour: Flavour, sign: Sign, name: str) -> None:
    """Otherwise a delivery that was overheard could be replayed for ever."""
    body = b"{}"
    for time in ("2026-03-02T13:00:00Z", "soon"):  # what nobody has signed is not read
        assert "signature" in forged(flavour, {**sign(body), name: time}, body)


@pytest.mark.parametrize("stamp", [None, "1772452800000", True, 1.5, []])
def test_a_body_of_jira_without_a_time_is_refused(stamp: object) -> None:
    """Jira signs no header, so a body without its time could be replayed for ever."""
    body = body_of({**an_issue(), "timestamp": stamp})
    assert forged("jira", jira_headers(body), body) == "the body has no timestamp in milliseconds"


def test_our_own_time_may_be_seconds_since_1970() -> None:
    """A shell script has `date +%s`."""
    body = b"{}"
    signed = check("earwitness", SECRET, a_delivery(our_headers(body, "1772452800"), body))
    assert signed.at == NOW


@pytest.mark.parametrize("time", ["soon", "9" * 400, "2026-03-02", "\xff"])
def test_a_signed_time_that_is_none_is_refused(time: str) -> None:
    """Signed nonsense is nonsense."""
    body = b"{}"
    with pytest.raises(Forged):
        check(
            "earwitness",
            SECRET,
            Delivery(
                {
                    "x-earwitness-timestamp": time,
                    "x-earwitness-signature": our_headers(body, time)["X-Earwitness-Signature"],
                },
                body,
            ),
        )


def test_the_documented_examples_verify() -> None:
    """Jira's own example of a signature, and a signature that Zendesk's documentation describes in words."""
    body = b"Hello World!"
    headers = {"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}
    with pytest.raises(Forged, match="the body is not JSON"):  # the signature was right
        check("jira", b"It's a Secret to Everybody", a_delivery(headers, body))
    time = "2021-07-25T10:00:00Z"
    zendesk = {
        "X-Zendesk-Webhook-Signature": "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=",
        "X-Zendesk-Webhook-Signature-Timestamp": time,
    }
    secret = b"HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="
    signed = check("zendesk", secret, a_delivery(zendesk, b'{"say": "hello"}'))
    assert signed.at == datetime(2021, 7, 25, 10, tzinfo=UTC)

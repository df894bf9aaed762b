from typing import Any

import pytest
from earwitness_sdk import BadSettings, Forwarder, InvalidEvent, Pseudonyms, Register
from earwitness_sdk.testing import MemoryOutbox
from hypothesis import given
from hypothesis import strategies as st

from models.access import AccessEvent
from models.evidence import EvidenceRecord
from models.fields import check_identifier

from .builders import a_record, fields

KEY = b"0123456789abcdef0123456789abcdef"
NUMBER = "+15550001111"
PSEUDONYMS = Pseudonyms(KEY)

texts = st.one_of(st.text(max_size=20), st.from_regex(r"\+?[0-9]{6,17}", fullmatch=True))


@given(text=texts.filter(lambda text: text != "*"))
def test_exactly_what_the_contract_refuses_as_a_number_is_replaced(text: str) -> None:
    """What it let through would be refused; what it changed needlessly would no longer be found."""
    try:
        check_identifier(text)
        refused = False
    except ValueError:
        refused = True
    changed = PSEUDONYMS.applied({"customer_id": text})["customer_id"] != text
    assert changed == refused


def test_the_same_number_is_the_same_pseudonym_in_events_and_evidence() -> None:
    """A ticket must still name the customer it is about."""
    outbox = MemoryOutbox()
    Forwarder(outbox=outbox, pseudonymise=PSEUDONYMS).submit(
        {
            **fields(customer_id=NUMBER, recipient=NUMBER),
            "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
            "time": "2026-11-24T10:15:30Z",
            "source": "/s",
        }
    )
    Register(outbox=outbox, pseudonymise=PSEUDONYMS).put(
        a_record(customer_ids=[NUMBER, "acme"], assignees=(NUMBER,), organization=NUMBER, recorded_by=NUMBER)
    )
    pseudonym = PSEUDONYMS.of(NUMBER)
    (event,), (record,) = outbox.events, outbox.evidence
    assert (event.customer_id, event.recipient) == (pseudonym, pseudonym)
    assert (record.customer_ids, record.assignees) == ((pseudonym, "acme"), (pseudonym,))
    assert (record.organization, record.recorded_by) == (pseudonym, pseudonym)


def test_json_is_treated_as_fields_are() -> None:
    """`publish` and `evidence put` read lines."""
    outbox = MemoryOutbox()
    register = Register(outbox=outbox, pseudonymise=PSEUDONYMS)
    line = b'{"ref":"t:1","kind":"complaint","customer_ids":["%s"],"valid_from":"2026-01-31T09:00:00Z"}'
    register.submit(line % NUMBER.encode())
    assert outbox.evidence[0].customer_ids == (PSEUDONYMS.of(NUMBER),)
    for bad in (b"not json", b"[1]", b"[" * 100_000, b'{"ref":1e999}'):
        with pytest.raises(InvalidEvent):
            register.submit(bad)


def test_another_key_gives_another_pseudonym() -> None:
    """Whoever has the trail but not the key cannot try all numbers."""
    assert Pseudonyms(b"another key of enough bytes").of(NUMBER) != PSEUDONYMS.of(NUMBER)
    assert "5550001111" not in PSEUDONYMS.of(NUMBER)


def test_a_key_that_can_be_guessed_is_refused() -> None:
    """There are only so many numbers."""
    with pytest.raises(BadSettings, match="15 bytes; at least 16"):
        Pseudonyms(b"x" * 15)


def test_what_is_no_id_stays() -> None:
    """Only ids are compared, and only ids may be numbers by mistake."""
    given: dict[str, Any] = {"purpose": NUMBER, "resource_types": [NUMBER], "customer_ids": NUMBER}
    assert PSEUDONYMS.applied(given) == given


@pytest.mark.parametrize("model", [AccessEvent, EvidenceRecord])
def test_no_field_that_refuses_a_number_is_left_out(model: Any) -> None:
    """A field that is added to the contract must be replaced as well."""
    sound: dict[str, Any] = {
        AccessEvent: {
            **fields(),
            "id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
            "time": "2026-11-24T10:15:30Z",
            "source": "/s",
        },
        EvidenceRecord: a_record(kind="transfer"),
    }[model]
    for name in model.model_fields:
        for value in (NUMBER, [NUMBER]):
            try:
                model.model_validate({**sound, name: value})
            except ValueError as error:
                if "telephone number" in str(error):
                    assert model.model_validate(PSEUDONYMS.applied({**sound, name: value})), name

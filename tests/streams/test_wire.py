import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.access import AccessEvent
from models.errors import MalformedEvent
from streams.wire import SCHEMA_HEADER, read_access, read_evidence, read_keyed_evidence
from tests.streams.records import an_event

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=300),
    st.sampled_from(
        [
            "*",
            "+4412345678",
            "+١٢٣٤٥٦٧٨",
            "+123",
            "",
            "a" * 64,
            "a" * 65,
            "a" * 128,
            "a" * 129,
            "a" * 256,
            "a" * 257,
            "é" * 128,
            "😀" * 128,
            "\x00",
            "/services/a b",
            "/services/%zz",
            "vendor",
            "customer",
            "listen",
            "call_recording",
            "denied",
            "2026-09-21T11:59:60Z",
            "2026-09-21T11:59:59.1234567+05:30",
            "2026-09-21 11:59:59Z",
            "2026-09-21T11:59:59z",
            "2026-09-21T11:59:59+0530",
            "0001-01-01T00:00:00+05:00",
            "9999-12-31T23:59:59-05:00",
            "1899-12-31T23:59:59Z",
            "0190B5A2-7C1D-7E5F-8A3B-2F1E0D9C8B7A",
            "0190b5a27c1d7e5f8a3b2f1e0d9c8b7a",
            2**63 - 1,
            2**63,
            5.0,
        ]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = [*AccessEvent.model_fields, "unheard_of"]


def by_the_model(value: bytes) -> AccessEvent | None:
    try:
        return AccessEvent.model_validate_json(value)
    except ValidationError:
        return None


def by_the_fast_path(value: bytes) -> Any:
    try:
        return read_access(value, ())[0]
    except MalformedEvent:
        return None


@settings(max_examples=1_500, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3))
@example(changes={"time": "2026-09-21T11:59:59.9999999Z"})
@example(changes={"outcome": None})
@example(changes={"producer": ""})
@example(changes={"actor_type": "vendor"})
@example(changes={"actor_type": "vendor", "organization": "*"})
def test_the_fast_path_accepts_and_means_what_the_model_does(changes: dict[str, Any]) -> None:
    """The model is the schema of record; speed must not buy a second opinion."""
    value = json.dumps({**an_event(), **changes}).encode()
    model, fast = by_the_model(value), by_the_fast_path(value)
    assert (model is None) == (fast is None)
    if model is not None:
        assert {name: getattr(fast, name) for name in AccessEvent.model_fields} == dict(model)


@settings(max_examples=500, deadline=None)
@given(value=st.one_of(st.binary(max_size=60), st.from_regex(rb'[\[\]{}":,a-z0-9. -]{0,40}', fullmatch=True)))
@example(value=json.dumps(an_event()).encode() + b" ")
@example(value=json.dumps(an_event()).encode() + b"{}")
@example(value=b'{"id":"\\ud800"}')
def test_bytes_of_any_kind_are_refused_by_both_or_by_neither(value: bytes) -> None:
    """A record is whatever a producer sent; reading it must never raise anything unforeseen."""
    assert (by_the_model(value) is None) == (by_the_fast_path(value) is None)


@pytest.mark.parametrize(
    ("value", "reason", "fields"),
    [
        (b"", "not_json", ()),
        (b"\xff\xfe", "not_json", ()),
        (b"[1]", "not_an_object", ()),
        (b'"text"', "not_an_object", ()),
        (b"null", "not_an_object", ()),
        (json.dumps(an_event(typo=1)).encode(), "unknown_field", ("typo",)),
        (json.dumps(an_event(actor_id="+4412345678")).encode(), "invalid_field", ("actor_id",)),
        (json.dumps(an_event(actor_type="vendor")).encode(), "invalid_field", ("organization",)),
        (json.dumps(an_event(action="peek", typo=1)).encode(), "invalid_field", ("action", "typo")),
        (b" " * 65_537, "too_large", ()),
        (json.dumps(an_event(time="9999-12-31T00:00:00Z")).encode(), "time_in_future", ("time",)),
        (json.dumps(an_event(time="0001-01-01T00:00:00Z")).encode(), "invalid_field", ("time",)),
    ],
)
def test_a_refusal_names_its_reason_and_fields(value: bytes, reason: str, fields: tuple[str, ...]) -> None:
    """Whoever mends a producer must see what was wrong without guessing."""
    with pytest.raises(MalformedEvent) as refusal:
        read_access(value, ())
    assert (refusal.value.reason, refusal.value.fields) == (reason, fields)


def test_fields_of_a_newer_contract_are_kept_beside_the_event() -> None:
    """A producer may be upgraded before the workers; what only it knows must not vanish."""
    headers = ((SCHEMA_HEADER, b"urn:earwitness:schema:access-event:2"),)
    event, unknown = read_access(json.dumps(an_event(room="b12")).encode(), headers)
    assert (event.actor_id, json.loads(unknown)) == ("e-1", {"room": "b12"})


@pytest.mark.parametrize(
    "schema", [b"urn:earwitness:schema:access-event:1", b"urn:other:access-event:2", b"\xff", b""]
)
def test_unknown_fields_of_our_own_version_stay_refused(schema: bytes) -> None:
    """A typo must not vanish because a header says something odd."""
    with pytest.raises(MalformedEvent, match="unknown_field"):
        read_access(json.dumps(an_event(room="b12")).encode(), ((SCHEMA_HEADER, schema),))


def test_a_tombstone_deletes_no_evidence() -> None:
    """Evidence is withdrawn by a record that says so, never by an empty one."""
    with pytest.raises(MalformedEvent, match="withdrawn, not deleted"):
        read_keyed_evidence(b"ticket:T-1", None)


def test_evidence_under_another_key_is_refused() -> None:
    """Compaction keeps one record a key: two refs under one key would lose one of them, days later."""
    value = b'{"ref":"ticket:T-1","kind":"complaint","valid_from":"2026-01-01T00:00:00Z"}'
    assert read_keyed_evidence(b"ticket:T-1", value).ref == "ticket:T-1"
    with pytest.raises(MalformedEvent, match="key of the Kafka record"):
        read_keyed_evidence(b"shared", value)


def test_an_election_without_a_customer_is_refused_from_the_topic() -> None:
    """Whoever put it there: the older record of its ref stays, and the refusal names the field."""
    value = b'{"ref":"election:E-1","kind":"election","valid_from":"2026-01-01T00:00:00Z"}'
    with pytest.raises(MalformedEvent) as refused:
        read_keyed_evidence(b"election:E-1", value)
    assert (refused.value.reason, refused.value.fields) == ("invalid_field", ("customer_ids",))
    assert refused.value.detail.startswith("customer_ids: must name who made the election")


def test_the_judge_s_own_files_may_hold_an_election_without_a_customer() -> None:
    """A dry run judges what it is given, as the contract says of it: it covers nobody."""
    value = b'{"ref":"election:E-1","kind":"election","valid_from":"2026-01-01T00:00:00Z"}'
    assert read_evidence(value).customer_ids == ()

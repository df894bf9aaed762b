import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fields import (
    EPOCH,
    check_access_time,
    check_customer,
    check_identifier,
    check_uri_reference,
    check_uuid,
    format_time,
    microseconds,
    parse_access_time,
    parse_time,
)

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 3), datetime(2299, 12, 29)), OFFSETS)  # noqa: DTZ001 - bounds of naive times
def test_an_instant_is_the_same_in_any_offset(naive: datetime, offset: timezone) -> None:
    """A verdict must not depend on where a clock hangs."""
    instant = naive.replace(tzinfo=offset)
    assert parse_time(instant.isoformat()) == instant
    assert parse_time(format_time(instant)) == instant
    assert EPOCH + timedelta(microseconds=microseconds(instant)) == instant


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-01-31T09:30:00.1234567Z", 123456),
        ("2026-01-31T09:30:00.999999999999Z", 999999),
        ("2026-01-31t09:30:00.5z", 500000),
        ("2026-01-31T09:30:00-00:00", 0),
    ],
)
def test_digits_beyond_microseconds_are_cut_off(text: str, microsecond: int) -> None:
    """Rounding up could carry an access over the end of the evidence that covers it."""
    assert parse_time(text) == datetime(2026, 1, 31, 9, 30, 0, microsecond, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-01-31T09:30Z",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:60Z",
        "2026-01-31T24:00:00Z",
        "2026-02-30T09:30:00Z",
        "2026-01-31T09:30:00+0530",
        "2026-01-31T09:30:00+24:00",
        "2026-01-31T09:30:00,5Z",
        "0001-01-01T00:00:00+05:00",
        "٢٠٢٦-01-31T09:30:00Z",
        "1706693400",
        "",
    ],
)
def test_what_is_no_rfc_3339_instant_is_refused(text: str) -> None:
    """A time that could be read in two ways would justify in one of them."""
    with pytest.raises(ValueError, match=r"RFC 3339|instant"):
        parse_time(text)


@pytest.mark.parametrize("year", [1899, 2300])
def test_a_time_that_the_store_cannot_hold_is_refused(year: int) -> None:
    """ClickHouse would bend it to another instant without a word."""
    with pytest.raises(ValueError, match="1900 to 2299"):
        check_access_time(datetime(year, 6, 1, tzinfo=UTC))


WRITTEN_TIMES = st.datetimes(datetime(1800, 1, 1), datetime(2400, 1, 1)).flatmap(  # noqa: DTZ001 - naive on purpose
    lambda naive: st.sampled_from(("seconds", "milliseconds", "microseconds")).map(
        lambda timespec: naive.isoformat(timespec=timespec) + "Z"
    )
)


@st.composite
def _nearly(draw: st.DrawFn, written: st.SearchStrategy[str]) -> str:
    """A text as it is usually written, and one in which a character or two are others."""
    text = list(draw(written))
    for _ in range(draw(st.integers(0, 2))):
        text[draw(st.integers(0, len(text) - 1))] = draw(st.sampled_from("0179aAfFgWZzTt:-+., ٢\n"))
    return "".join(text)


@given(
    _nearly(WRITTEN_TIMES)
    | st.sampled_from(("2026-W05-6T09:30:00Z", "20260131T09:30:00Z", "1899-12-31T23:59:59Z"))
)
def test_the_usual_form_of_a_time_is_read_as_every_form_is(text: str) -> None:
    """The short way must neither accept nor mean anything else."""
    try:
        expected = check_access_time(parse_time(text))
    except ValueError:
        with pytest.raises(
            ValueError, match=r"RFC 3339|instant|1900 to 2299|day|month|hour|minute|second|year"
        ):
            parse_access_time(text)
    else:
        assert parse_access_time(text) == expected


@given(_nearly(st.uuids().map(str)))
def test_the_usual_form_of_an_id_is_read_as_every_form_is(text: str) -> None:
    """As above, beside what UUID text is by definition."""
    if re.fullmatch("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", text):
        assert check_uuid(text) == text.lower()
    else:
        with pytest.raises(ValueError, match="UUID"):
            check_uuid(text)


@pytest.mark.parametrize("number", ["+12345678", "+123456789012345"])
def test_a_telephone_number_is_no_id(number: str) -> None:
    """The trail outlives the customer; it must not become a directory."""
    with pytest.raises(ValueError, match="telephone"):
        check_identifier(number)


@pytest.mark.parametrize("text", ["+1234567", "+1234567890123456", "12345678", "+12345678x", "+١٢٣٤٥٦٧٨"])
def test_what_only_resembles_a_number_is_an_id(text: str) -> None:
    """The whole value is a + and 8 to 15 ASCII digits, or it is none."""
    assert check_identifier(text) == text


def test_many_customers_are_no_id_elsewhere() -> None:
    """`*` stands for many customers in an event's customer_id, and for nothing else."""
    assert check_customer("*") == "*"
    with pytest.raises(ValueError, match="one thing"):
        check_identifier("*")


def test_a_uuid_is_kept_in_lower_case() -> None:
    """Identity must not depend on how a producer spells it."""
    text = "0190B5A2-7C1D-7E5F-8A3B-2F1E0D9C8B7A"
    assert check_uuid(text) == text.lower()


@pytest.mark.parametrize(
    "text", ["0190b5a27c1d7e5f8a3b2f1e0d9c8b7a", "{0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a}", "1"]
)
def test_other_spellings_of_a_uuid_are_refused(text: str) -> None:
    """Two spellings of one id would be two accesses."""
    with pytest.raises(ValueError, match="UUID"):
        check_uuid(text)


@pytest.mark.parametrize("text", ["/services/a", "urn:x:y", "https://a/b?c=d#e", "a%20b"])
def test_a_source_is_a_uri_reference(text: str) -> None:
    """Sources are compared and routed on."""
    assert check_uri_reference(text) == text


@pytest.mark.parametrize("text", ["a b", "é", "%zz", "<x>"])
def test_a_source_with_other_characters_is_refused(text: str) -> None:
    """RFC 3986 has no place for them."""
    with pytest.raises(ValueError, match="URI"):
        check_uri_reference(text)

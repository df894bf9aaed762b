from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.importers.s3_record import parse_line
from tests.importers.s3_logs import a_record

WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=40)
HEADER = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=60
)


def test_every_field_that_an_event_needs_is_read() -> None:
    """One record, field by field: what each column means must not shift."""
    record = parse_line(a_record(later="v3rs10n aG9zdElk SigV4"))
    assert record._asdict() == {
        "bucket": "example-recordings",
        "time": datetime(2026, 2, 6, 10, 15, 30, tzinfo=UTC),
        "ip": "198.51.100.7",
        "requester": "arn:aws:sts::210987654321:assumed-role/support-console/e-17",
        "request_id": "9F3C1A7700EXAMPLE",
        "operation": "REST.GET.OBJECT",
        "key_as_logged": "c-1/r-1.wav",
        "status": 206,
        "bytes_sent": 65536,
        "user_agent": "aws-sdk-java/2.31",
        "version_id": "v3rs10n",
    }


@pytest.mark.parametrize(
    "later",
    [
        "",
        "-",
        "- aG9zdElk SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader b.s3.amazonaws.com TLSV1.2",
        "- aG9zdElk SigV4 CIPHER QueryString b.s3 TLSv1.3 arn:aws:s3:eu-west-1:1:accesspoint/a Yes eu-west-1",
        "- aG9zdElk SigV4 CIPHER AuthHeader b.s3 TLSv1.3 - Yes ",
        "- a b c d e f g h i j k one more field than anyone knows",
    ],
)
def test_a_record_is_read_however_many_fields_its_year_had(later: str) -> None:
    """S3 has added fields at the end several times, and says that it will again."""
    assert parse_line(a_record(later=later).rstrip() + " ").user_agent == "aws-sdk-java/2.31"


@pytest.mark.parametrize(
    ("user_agent", "read"),
    [
        ('"-"', None),
        ("-", None),
        ('""', None),
        ('"Mozilla/5.0 (X11; "quoted" thing) 5\' 6""', 'Mozilla/5.0 (X11; "quoted" thing) 5\' 6"'),
        ('"x" 403 AccessDenied - - - - "-" "y"', 'x" 403 AccessDenied - - - - "-" "y'),
        ('"tab\tand ünïcode"', "tab\tand ünïcode"),
    ],
)
def test_a_client_says_what_it_likes_in_its_user_agent(user_agent: str, read: str | None) -> None:
    """It is logged unescaped, so it must not be able to break or forge the other fields."""
    record = parse_line(a_record(user_agent=user_agent))
    assert (record.user_agent, record.status, record.version_id) == (read, 206, None)


def test_a_request_uri_with_quotes_does_not_move_the_status() -> None:
    """Clients do send raw quotes in a query string."""
    record = parse_line(a_record(request_uri='"GET /c-1/r-1.wav?x="200" HTTP/1.1"', status="403"))
    assert record.status == 403


@pytest.mark.parametrize("referer", ['"-"', "-", '""', '"https://console.example/a?b="c"d"'])
def test_a_referer_may_be_absent_or_odd(referer: str) -> None:
    """It too comes from the client."""
    assert parse_line(a_record(referer=referer)).user_agent == "aws-sdk-java/2.31"


def test_s3s_own_lifecycle_has_neither_request_nor_status() -> None:
    """An expired recording is a deletion that nobody's client asked for."""
    line = a_record(operation="S3.EXPIRE.OBJECT", request_uri="-", status="-", bytes_sent="-", ip="-",
                    requester="AmazonS3", user_agent="-", referer="-")  # fmt: skip
    record = parse_line(line)
    assert (record.status, record.bytes_sent, record.ip, record.user_agent) == (None, None, None, None)


@pytest.mark.parametrize(
    ("operation", "logged", "key"),
    [
        ("REST.GET.OBJECT", "c-1/plain.wav", "c-1/plain.wav"),
        ("REST.GET.OBJECT", "c-1/a%252Bb.wav", "c-1/a+b.wav"),
        ("REST.GET.OBJECT", "c-1/a%2520b.wav", "c-1/a b.wav"),
        ("REST.GET.OBJECT", "c-1/a%2Bb.wav", "c-1/a b.wav"),
        ("BATCH.DELETE.OBJECT", "c-1/a%2Bb.wav", "c-1/a+b.wav"),
        ("S3.EXPIRE.OBJECT", "c-1/100%2525.wav", "c-1/100%25.wav"),
    ],
)
def test_a_key_is_decoded_as_often_as_its_operation_encoded_it(operation: str, logged: str, key: str) -> None:
    """Batch deletes and expiry encode once, requests twice; a wrong key is a wrong customer."""
    assert parse_line(a_record(operation=operation, key=logged)).key == key


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-",
        "not a log at all",
        a_record()[:200],
        a_record().replace('"', ""),
        a_record(status="two hundred"),
        a_record(bytes_sent="many"),
        a_record(later="x").replace('.31" x', '.31"x'),
        a_record(user_agent='"never closed', later=""),
        '127.0.0.1 - - [06/Feb/2026:10:15:30 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"',
    ],
)
def test_what_is_no_record_is_refused(line: str) -> None:
    """A line half understood would become a wrong access."""
    with pytest.raises(ValueError, match=r"record|breaks off|no space"):
        parse_line(line)


@pytest.mark.parametrize("time", ["06/Feb/2026", "31/Feb/2026:00:00:00 +0000", "06/Fëb/2026:10:15:30 +0000",
                                  "06/Feb/2026:24:00:00 +0000", "01/Jan/0001:00:00:00 +2359",
                                  "06/Feb/2026:10:15:30 +9900", ""])  # fmt: skip
def test_a_time_that_is_none_is_refused(time: str) -> None:
    """Guessing a time would move an access into or out of the evidence's validity."""
    with pytest.raises(ValueError, match="has the time"):
        parse_line(a_record(time=time))


def test_a_time_with_an_offset_becomes_utc() -> None:
    """S3 logs UTC; compatible stores may not."""
    assert parse_line(a_record(time="06/Feb/2026:00:15:30 +0200")).time == datetime(
        2026, 2, 5, 22, 15, 30, tzinfo=UTC
    )


@given(line=st.text(max_size=400) | st.text(alphabet='ab -"[]0123456789', max_size=200))
def test_any_text_is_a_record_or_a_named_refusal(line: str) -> None:
    """An import of a day's log must not end at an odd line."""
    with suppress(ValueError):
        assert parse_line(line).request_id


@given(
    bucket=WORD,
    requester=WORD,
    request_id=WORD,
    operation=WORD,
    key=WORD,
    status=st.integers(100, 599),
    bytes_sent=st.integers(0, 10**18 - 1),
    user_agent=HEADER.filter(lambda text: text not in ("", "-")),
    seconds=st.integers(0, 4 * 10**9),
)
def test_what_was_written_is_read_again(  # noqa: PLR0917
    bucket: str,
    requester: str,
    request_id: str,
    operation: str,
    key: str,
    status: int,
    bytes_sent: int,
    user_agent: str,
    seconds: int,
) -> None:
    """Whatever stands in a record's fields, each comes back as itself."""
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    record = parse_line(
        a_record(
            bucket=bucket,
            time=instant.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            requester=requester,
            request_id=request_id,
            operation=operation,
            key=key,
            status=str(status),
            bytes_sent=str(bytes_sent),
            user_agent=f'"{user_agent}"',
        )
    )
    assert (record.bucket, record.requester, record.request_id) == (bucket, requester, request_id)
    assert (record.operation, record.key_as_logged or "-") == (operation, key)
    assert (record.status, record.bytes_sent, record.time) == (status, bytes_sent, instant)
    assert record.user_agent == user_agent

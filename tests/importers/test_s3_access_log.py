import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.importers.s3_access_log import HARMLESS, Unused, convert, read_lines
from models.access import AccessEvent
from tests.importers.s3_logs import MAPPING_TEXT, SUPPORT, TRANSCRIBER, VENDOR, a_mapping, a_record

MAPPING = a_mapping()


def the_event(line: str, mapping_text: str = MAPPING_TEXT) -> AccessEvent:
    event = convert(line.encode(), a_mapping(mapping_text))
    assert isinstance(event, AccessEvent), event
    return event


def the_refusal(line: str, mapping_text: str = MAPPING_TEXT) -> Unused:
    unused = convert(line.encode(), a_mapping(mapping_text))
    assert isinstance(unused, Unused), unused
    return unused


def test_a_download_becomes_an_access_by_the_mapped_actor() -> None:
    """The whole event, so that no field is filled from the wrong column."""
    event = the_event(a_record())
    assert event.model_dump(exclude_none=True, mode="json", exclude={"id"}) == {
        "time": "2026-02-06T10:15:30Z",
        "source": "/imports/s3/recordings",
        "actor_type": "employee",
        "actor_id": "e-17",
        "actor_team": "support",
        "action": "download",
        "resource_type": "call_recording",
        "resource_id": "r-1",
        "customer_id": "c-1",
        "outcome": "succeeded",
        "trace_id": "9F3C1A7700EXAMPLE",
        "ip": "198.51.100.7",
        "user_agent": "aws-sdk-java/2.31",
        "content_bytes": 65536,
    }


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("REST.GET.OBJECT", "download"),
        ("WEBSITE.GET.OBJECT", "download"),
        ("REST.COPY.OBJECT_GET", "download"),
        ("REST.PUT.OBJECT", "update"),
        ("REST.PUT.PART", "update"),
        ("REST.DELETE.OBJECT", "delete"),
        ("BATCH.DELETE.OBJECT", "delete"),
        ("S3.EXPIRE.OBJECT", "delete"),
    ],
)
def test_an_operation_means_an_action_without_being_mapped(operation: str, action: str) -> None:
    """A mapping says what is the company's own, not what S3's operations are."""
    assert the_event(a_record(operation=operation)).action == action


def test_a_mapping_may_give_an_operation_its_own_meaning() -> None:
    """A player that streams from the bucket listens; a HEAD may matter to some."""
    text = MAPPING_TEXT + '[operations]\n"REST.GET.OBJECT" = "listen"\n"REST.HEAD.OBJECT" = "read"\n'
    assert the_event(a_record(), text).action == "listen"
    assert the_event(a_record(operation="REST.HEAD.OBJECT"), text).action == "read"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("200", "succeeded"), ("204", "succeeded"), ("206", "succeeded"), ("304", "succeeded"),
     ("401", "denied"), ("403", "denied"), ("404", "failed"), ("416", "failed"), ("503", "failed"),
     ("-", "succeeded")],
)  # fmt: skip
def test_a_status_is_an_outcome(status: str, outcome: str) -> None:
    """A denied attempt is an access too, judged and marked; lifecycle work has no status but took place."""
    assert the_event(a_record(status=status)).outcome == outcome


def test_listing_a_bucket_touches_many_customers() -> None:
    """No key is named, so the customer is the `*` of the contract and the resource the bucket."""
    event = the_event(a_record(operation="REST.GET.BUCKET", key="-"))
    assert (event.action, event.resource_id, event.customer_id) == ("list", "example-recordings", "*")


@pytest.mark.parametrize(
    ("requester", "actor"),
    [
        (SUPPORT, ("employee", "e-17", None)),
        (VENDOR, ("vendor", "u-9", "acme")),
        (TRANSCRIBER, ("service", "transcriber", None)),
        ("-", ("service", "anonymous", None)),
    ],
)
def test_a_requester_is_whom_the_mapping_says(requester: str, actor: tuple[str, str, str | None]) -> None:
    """Whose role it was decides which clauses are open to the access."""
    event = the_event(a_record(requester=requester))
    assert (event.actor_type, event.actor_id, event.organization) == actor


def test_without_a_group_the_requester_itself_is_the_actor() -> None:
    """A canonical user id is an id already."""
    text = MAPPING_TEXT.replace("role/(?P<actor_id>.+)'", "role/.+'")
    assert the_event(a_record(requester=TRANSCRIBER), text).actor_id == TRANSCRIBER


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"bucket": "other-bucket"}, "unmapped_bucket", "other-bucket"),
        ({"key": "c-1/notes.txt"}, "unmapped_key", "for its key"),
        ({"requester": "arn:aws:iam::1:user/nobody"}, "unmapped_requester", "arn:aws:iam::1:user/nobody"),
        ({"operation": "REST.GET.HOLOGRAM"}, "unknown_operation", "REST.GET.HOLOGRAM"),
        ({"key": f"c-1/{'r' * 300}.wav"}, "invalid_field", "resource_id"),
        ({"status": "OK"}, "not_a_record", "record"),
        ({"time": "yesterday"}, "not_a_record", "'yesterday'"),
    ],
)
def test_a_line_that_leaves_an_access_out_is_named(changes: dict[str, str], reason: str, detail: str) -> None:
    """What a mapping forgot must be seen, or accesses would be missing without a trace."""
    unused = the_refusal(a_record(**changes))
    assert unused.reason == reason
    assert unused.reason not in HARMLESS
    assert detail in unused.detail


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"operation": "REST.GET.VERSIONING", "key": "-"}, "no_content"),
        ({"operation": "REST.GET.ACL"}, "no_content"),
        ({"operation": "REST.HEAD.OBJECT"}, "no_content"),
        ({"operation": "REST.POST.MULTI_OBJECT_DELETE", "key": "-"}, "no_content"),
        ({"operation": "S3.TRANSITION_GIR.OBJECT"}, "no_content"),
        ({"operation": "REST.GET.NOTIFICATION", "key": "-"}, "ignored"),
        ({"requester": "arn:aws:iam::210987654321:user/backup"}, "ignored"),
    ],
)
def test_a_line_that_is_no_access_to_content_is_passed_over(changes: dict[str, str], reason: str) -> None:
    """Most of a bucket's log is housekeeping; only what nobody decided on is a fault."""
    unused = the_refusal(a_record(**changes))
    assert unused.reason == reason
    assert unused.reason in HARMLESS


def test_buckets_and_keys_can_be_ignored_on_purpose() -> None:
    """A bucket may hold more than recordings."""
    text = MAPPING_TEXT.replace("[ignore]", "[ignore]\nbuckets = ['logs']\nkeys = ['.*\\.json']")
    assert the_refusal(a_record(bucket="logs"), text).reason == "ignored"
    assert the_refusal(a_record(key="c-1/r-1.json"), text).reason == "ignored"


def test_the_same_record_has_the_same_id_at_every_delivery() -> None:
    """S3 delivers records twice and hours late, and files are imported again."""
    assert the_event(a_record()) == the_event(a_record())
    assert the_event(a_record()).id == "de98024e-eae9-53bc-84e7-d94263da6e1d"


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "0000000000EXAMPLE"},
        {"operation": "REST.PUT.OBJECT"},
        {"key": "c-1/r-2.wav"},
        {"time": "06/Feb/2026:10:15:31 +0000"},
        {"later": "v2 aG9zdElk"},
    ],
)
def test_another_record_has_another_id(changes: dict[str, str]) -> None:
    """One request may delete many objects; one playback is many range requests."""
    assert the_event(a_record(**changes)).id != the_event(a_record()).id


def test_an_id_does_not_depend_on_the_mapping() -> None:
    """A corrected mapping must not turn one access into two: the copy is found out as a conflict."""
    text = MAPPING_TEXT.replace('actor_type = "employee"', 'actor_type = "service"')
    assert the_event(a_record(), text).id == the_event(a_record()).id


@pytest.mark.parametrize(
    "key",
    ["c-1/%252B15005550006.wav", "%252B15005550006/r-1.wav", "+15005550006/r-1.wav",
     "c-1/call-%252B15005550006-2026.wav"],
)  # fmt: skip
def test_a_telephone_number_in_a_key_is_refused(key: str) -> None:
    """The trail holds no telephone numbers, not even within an id, nor does the refusal quote it."""
    unused = the_refusal(a_record(key=key))
    assert unused.reason == "invalid_field"
    assert "5005550006" not in unused.detail


@pytest.mark.parametrize(
    ("key", "customer_id", "resource_id"),
    [
        ("%252B15005550006/r-1.wav", "p-+15005550006", "r-1"),
        ("+15005550006/r-1.wav", "p-+15005550006", "r-1"),
        ("c-1/call-%252B15005550006-2026.wav", "c-1", "call-p-+15005550006-2026"),
    ],
)
def test_a_telephone_number_is_replaced_where_a_pseudonym_can_be_made(
    key: str, customer_id: str, resource_id: str
) -> None:
    """The same customer keeps the same name, whichever record told the number."""
    event = convert(a_record(key=key).encode(), MAPPING, lambda number: f"p-{number}")
    assert isinstance(event, AccessEvent)
    assert (event.customer_id, event.resource_id) == (customer_id, resource_id)


def test_a_long_user_agent_is_cut() -> None:
    """It is a hint and no identity; losing the access for it would be worse."""
    event = the_event(a_record(user_agent=f'"{"x" * 1000}"'))
    assert event.user_agent == "x" * 256


def test_lines_are_told_apart_by_line_feeds_alone() -> None:
    """A user agent may hold anything that is called a line ending elsewhere."""
    stream = io.BytesIO(b"one\r\ntwo\x0b\xc2\x85still two\n\nfour")
    assert list(read_lines(stream)) == [b"one", b"two\x0b\xc2\x85still two", b"", b"four"]


def test_a_line_without_end_is_refused_without_being_kept() -> None:
    """A broken file must not fill the memory, and what follows it is read."""
    lines = list(read_lines(io.BytesIO(b"x" * 3_000_000 + b"\n" + a_record().encode() + b"\n")))
    assert len(lines) == 2
    assert len(lines[0]) < 100_000
    assert convert(lines[0], MAPPING) == Unused("not_a_record", "is longer than 65536 bytes")
    assert isinstance(convert(lines[1], MAPPING), AccessEvent)


def test_a_log_is_read_to_its_end_whatever_stands_in_it() -> None:
    """One count for every line, and the good ones among the bad ones are kept."""
    log = "\n".join([a_record(), "\x00\xff", a_record(bucket="b"), a_record(operation="REST.GET.ACL"), ""])
    told = Counter(
        found.reason if isinstance(found, Unused) else "event"
        for line in read_lines(io.BytesIO(log.encode("latin-1")))
        if (found := convert(line, MAPPING))
    )
    assert told == {"event": 1, "not_a_record": 1, "unmapped_bucket": 1, "no_content": 1}


@given(line=st.binary(max_size=300) | st.builds(lambda key: a_record(key=key or "-").encode(), st.text()))
def test_any_bytes_give_an_event_or_a_named_reason(line: bytes) -> None:
    """Nothing that stands in a log may stop its import."""
    found = convert(line, MAPPING)
    assert isinstance(found, AccessEvent) or found.detail

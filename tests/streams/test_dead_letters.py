import asyncio
from datetime import UTC, datetime

from aiokafka.errors import MessageSizeTooLargeError

from models.dead_letter import DeadLetter, Position
from models.errors import MalformedEvent
from streams.announce import KafkaAnnouncer
from streams.dead_letters import LARGEST_COPIED_BYTES, dead_letter_message
from streams.judge import dead_letter, read_records
from streams.wire import SCHEMA_HEADER
from tests.streams.records import Record, a_record

NEWER = ((SCHEMA_HEADER, b"urn:earwitness:schema:access-event:9"), ("odd", b"\xff"))


def a_letter(value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> DeadLetter:
    where = Position("access.events.v1", 3, 7)
    return DeadLetter("not_json", "no JSON", ("id",), where, datetime.now(UTC), b"key", value, headers)


def test_a_refused_record_keeps_its_headers() -> None:
    """They name the producer's contract: the record is judged by them when it is published again."""
    record = a_record(7, action="a word of tomorrow")._replace(headers=NEWER)
    (letter,) = read_records([record]).refused
    assert (letter.reason, letter.headers) == ("invalid_field", NEWER)


def test_a_header_without_a_value_is_kept_as_an_empty_one() -> None:
    """Kafka allows null there; what a producer may send must not end a worker."""
    record = Record(7, b"no JSON", headers=(("h", None),))  # type: ignore[arg-type] # as aiokafka gives it
    assert dead_letter(record, MalformedEvent("not_json", "")).headers == (("h", b""),)


def test_on_the_topic_the_record_s_headers_stand_behind_the_reason() -> None:
    """A consumer of the topic can tell what we say from what the producer said."""
    message = dead_letter_message(a_letter(b"\xff", NEWER))
    headers = message.all_headers()
    assert (message.key, message.value, dict(headers)["position"]) == (
        b"key",
        b"\xff",
        b"access.events.v1/3/7",
    )
    assert headers[-2:] == [(f"record.{name}", value) for name, value in NEWER]


def test_what_no_topic_takes_is_announced_without_its_bytes() -> None:
    """A record that was compressed on its way here may be of any size; the store has its bytes."""
    for letter in (
        a_letter(b" " * LARGEST_COPIED_BYTES),
        a_letter(b"", (("h", b" " * LARGEST_COPIED_BYTES),)),
    ):
        message = dead_letter_message(letter)
        assert (message.key, message.value, message.carried) == (b"", b"", ())
        assert message.headers["truncated"] == "true"


class SmallTopic:
    """A producer on a broker whose topic takes less than ours."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, dict[str, bytes]]] = []

    async def send(
        self, topic: str, *, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(value) > 100:
            answer.set_exception(MessageSizeTooLargeError())
        else:
            self.taken.append((value, dict(headers)))
            answer.set_result(None)
        return answer


def test_a_topic_that_takes_less_does_not_hold_a_partition_up() -> None:
    """Its operator may have made it with another limit; waiting for that to change would be for ever."""
    announcer, topic = KafkaAnnouncer({}), SmallTopic()
    announcer._producer = topic
    messages = [dead_letter_message(a_letter(value)) for value in (b"small", b"large" * 100)]
    asyncio.run(announcer.publish(messages))
    assert [(value, headers["truncated"]) for value, headers in topic.taken] == [
        (b"small", b"false"),
        (b"", b"true"),
    ]

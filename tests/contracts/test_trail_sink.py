"""One suite for every `TrailSink`: the one in memory and the one on a real ClickHouse."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.cli import wiring
from models.dead_letter import DeadLetter, Position
from models.errors import RowsRejected, SinkRejected, SinkUnavailable
from models.evidence import EvidenceRecord
from models.fields import EARLIEST_TIME, LATEST_TIME, format_time
from models.ranges import Range
from models.registers import Heartbeat, RegisterState
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from models.verdict import Verdict
from sinks import memory
from sinks.base import (
    Block,
    JudgedAccess,
    LedgerEntry,
    PolicyVersion,
    RegisteredEvidence,
    SetAside,
    TrailSink,
    content_of,
)
from sinks.clickhouse import columns, misfits
from sinks.clickhouse.client import ClickHouse
from sinks.clickhouse.heartbeats import HeartbeatLog, Teller
from sinks.clickhouse.trail import ClickHouseTrail
from sinks.memory import MemoryTrail
from streams.wire import read_access
from tests.builders import a_complaint
from tests.conftest import Stack
from tests.streams.records import NOON_MS, an_event, event_id

NOW = datetime.now(UTC)
NOW_MS = int(NOW.timestamp() * 1000)
PARTITIONS = count(1_000)
"""Each test writes to a partition of its own, far from those of the stack's topics."""

JUSTIFIED = Verdict("justified", "clause_met", "access.resolve-complaint", ("t:1",), False, "v", "d")
UNJUSTIFIED = Verdict("unjustified", "evidence_not_cited", None, (), False, "v", "d")


@pytest.fixture(params=["memory", pytest.param("clickhouse", marks=pytest.mark.stack)])
def sink(request: pytest.FixtureRequest) -> Iterator[TrailSink]:
    if request.param == "memory":
        yield MemoryTrail()
        return
    stack: Stack = request.getfixturevalue("stack")
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    yield ClickHouseTrail(clickhouse)
    clickhouse.close()


@pytest.fixture
def refusing(sink: TrailSink, request: pytest.FixtureRequest) -> Iterator[TrailSink]:
    """Have the sink refuse accesses of one actor, whatever else they say."""
    if isinstance(sink, MemoryTrail):
        sink.refuses = lambda row: row.event.actor_id == "refused"
        yield sink
        return
    stack: Stack = request.getfixturevalue("stack")
    admin = stack.clickhouse("admin")
    admin.execute("ALTER TABLE access_log ADD CONSTRAINT refusing CHECK actor_id != 'refused'")
    try:
        yield sink
    finally:
        admin.execute("ALTER TABLE access_log DROP CONSTRAINT refusing")
        admin.disconnect()


Beat = Callable[[Heartbeat], None]


@pytest.fixture
def beat(sink: TrailSink, request: pytest.FixtureRequest) -> Iterator[Beat]:
    """Have a register beat where the sink reads it."""
    if isinstance(sink, MemoryTrail):
        beats = sink.beats

        def remember(heartbeat: Heartbeat) -> None:
            beats[heartbeat.name] = RegisterState(*heartbeat.model_dump().values(), datetime.now(UTC))

        yield remember
        return
    stack: Stack = request.getfixturevalue("stack")
    log = HeartbeatLog(ClickHouse(wiring.clickhouse(stack.settings("api").clickhouse)), lambda _: None)
    names: list[str] = []

    def write(heartbeat: Heartbeat) -> None:
        names.append(heartbeat.name)
        log.beat(heartbeat, Teller("tests", "tests"))

    yield write
    for name in names:
        log.retire(name, Teller("tests", "tests"))
    log.close()


@pytest.fixture
def announced() -> Range:
    return Range(ACCESS_EVENTS, next(PARTITIONS), 10, 12, NOW.date())


def an_access(announced: Range, offset: int, verdict: Verdict = JUSTIFIED, **changes: Any) -> JudgedAccess:
    number = announced.partition * 1_000 + offset
    event, unknown = read_access(json.dumps(an_event(number, **changes)).encode(), ())
    return JudgedAccess(event, unknown, verdict, offset, NOW_MS)


def elsewhere(announced: Range) -> Range:
    return announced._replace(first=announced.last + 1, last=announced.last + 9)


def a_block(announced: Range, **changes: Any) -> Block:
    rows = [
        an_access(announced, 10, **changes),
        an_access(announced, 11, UNJUSTIFIED, **changes),
        an_access(announced, 12, **changes),
    ]
    return Block(announced, rows, evidence_version=4, judged_at=NOW)


def test_a_block_written_twice_is_stored_once(sink: TrailSink, announced: Range) -> None:
    """An answer that was lost is asked for again; the trail must not grow by it."""
    sink.write(a_block(announced))
    sink.write(a_block(announced))
    assert sink.tally(announced).row_count == 3


def test_a_block_of_the_same_name_changes_nothing(sink: TrailSink, announced: Range) -> None:
    """An owner that slept through a rebalance writes under the name that its successor used."""
    sink.write(a_block(announced))
    sink.write(a_block(announced)._replace(rows=[an_access(announced, 10, UNJUSTIFIED)]))
    assert [finding.position.rsplit("/")[-1] for finding in sink.findings(announced)] == ["11"]


def test_another_attempt_is_another_block(sink: TrailSink, announced: Range) -> None:
    """Where the store knows a name but not its rows, the next attempt must get through."""
    sink.write(a_block(announced.again()))
    assert sink.tally(announced).row_count == 3


def test_a_range_that_has_rows_takes_no_others(sink: TrailSink, announced: Range) -> None:
    """Names are forgotten after many blocks; that an insert comes for rows that are there is seen anyway."""
    sink.write(a_block(announced))
    sink.write(a_block(announced.again()))
    assert sink.tally(announced).row_count == 3


def test_a_range_is_accounted_for_once(sink: TrailSink, announced: Range) -> None:
    """Whoever settles a range that another is about to account for says the same of it."""
    for _ in range(2):
        sink.write_ledger(LedgerEntry(announced, 3, 0, 0))
    assert sink.highest_offset(announced.topic, announced.partition) == announced.last


@pytest.fixture
def forgetful(stack: Stack) -> Iterator[ClickHouse]:
    """Have the server forget the names of blocks at once, as it does after a hundred thousand others."""
    tables = ("access_log", "verdict_log")
    admin = stack.clickhouse("admin")
    for table in tables:
        admin.execute(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 0")
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    yield clickhouse
    clickhouse.close()
    for table in tables:
        admin.execute(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 100000")
    admin.disconnect()


@pytest.mark.stack
def test_an_owner_that_slept_for_a_hundred_thousand_blocks_doubles_nothing(
    forgetful: ClickHouse, announced: Range
) -> None:
    """The server no longer knows the name of its block, and refuses it all the same."""
    trail = ClickHouseTrail(forgetful)
    for _ in range(2):
        trail.write(a_block(announced))
    place = {"partition": announced.partition}
    rows = forgetful.execute("SELECT count() FROM access_log WHERE partition = %(partition)s", place)
    assert rows == [(3,)]
    # A refused insert leaves the connection as good as before.
    trail.write(a_block(elsewhere(announced))._replace(rows=[an_access(announced, 13)]))
    assert trail.tally(elsewhere(announced)).row_count == 1


@pytest.mark.stack
def test_an_owner_that_falls_asleep_within_an_insert_stores_nothing_when_it_wakes(
    stack: Stack, announced: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the range has rows was asked when the insert began; that answer holds for a while only."""
    monkeypatch.setattr("sinks.clickhouse.trail.LONGEST_INSERT_S", 1)
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    trail = ClickHouseTrail(clickhouse)
    send = Client.send_data

    def sleep_first(*arguments: Any, **options: Any) -> Any:
        time.sleep(2)
        return send(*arguments, **options)

    with monkeypatch.context() as asleep:
        asleep.setattr(Client, "send_data", sleep_first)
        with pytest.raises(SinkUnavailable):
            trail.write(a_block(announced))
    assert trail.tally(announced).row_count == 0
    trail.write(a_block(announced))
    assert trail.tally(announced).row_count == 3
    clickhouse.close()


def test_rows_of_another_range_do_not_count(sink: TrailSink, announced: Range) -> None:
    """Settling a range must not take its neighbour's rows for its own."""
    sink.write(a_block(announced))
    assert sink.tally(announced._replace(first=13, last=20)).row_count == 0


def test_findings_are_the_rows_that_nothing_justifies(sink: TrailSink, announced: Range) -> None:
    """They are published again from the store when an owner died before it did."""
    sink.write(a_block(announced))
    (finding,) = sink.findings(announced)
    assert (finding.kind, finding.reason, finding.clause) == ("unjustified", "evidence_not_cited", "")
    assert finding.id == event_id(announced.partition * 1_000 + 11)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "organization": "acme-partners",
            "actor_team": "tier-2",
            "purpose": "resolve_complaint",
            "evidence_ref": "ticket:'\\\n\t\u0000😀",
            "recipient": "other",
            "operation_id": "o",
            "session_id": "s",
            "trace_id": "t",
            "ip": "::1",
            "user_agent": "agent/1",
            "item_count": 0,
            "content_bytes": 2**63 - 1,
            "customer_id": "*",
            "outcome": "denied",
        },
        {"time": "1900-01-01T00:00:00Z"},
        {"time": "1969-12-31T23:59:59.999999Z"},
        {"time": "2299-12-31T23:59:59.999999Z"},
    ],
)
def test_a_stored_access_says_what_was_written(
    sink: TrailSink, announced: Range, changes: dict[str, Any]
) -> None:
    """Copies and conflicts are told apart by comparing with what is stored, to the microsecond."""
    row = an_access(announced, 10, **changes)
    sink.write(Block(announced, [row], 4, NOW))
    identity = (row.event.source, row.event.id)
    assert dict(sink.known([identity], None)) == {identity: content_of(row.event)}


TEXTS = ("evidence_ref", "operation_id", "user_agent", "actor_team")
NUMBERS = ("item_count", "content_bytes")
ANY_CONTENT = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TEXTS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)),
        **dict.fromkeys(NUMBERS, st.integers(0, 2**63 - 1)),
        "time": st.integers(0, (LATEST_TIME - EARLIEST_TIME).days).map(
            lambda days: format_time(EARLIEST_TIME + timedelta(days=days, microseconds=days))
        ),
    },
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(contents=st.lists(ANY_CONTENT, min_size=1, max_size=20))
def test_whatever_an_event_says_is_stored_so(sink: TrailSink, contents: list[dict[str, Any]]) -> None:
    """The store takes events apart by a reader of its own, which must agree with ours."""
    stored = Range(ACCESS_EVENTS, next(PARTITIONS), 0, len(contents) - 1, NOW.date())
    rows = [an_access(stored, offset, **content) for offset, content in enumerate(contents)]
    sink.write(Block(stored, rows, 4, NOW))
    written = {(row.event.source, row.event.id): content_of(row.event) for row in rows}
    assert dict(sink.known(list(written), None)) == written


@pytest.mark.stack
def test_an_event_that_the_server_cannot_take_apart_is_no_row(
    stack: Stack, announced: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's reader gives empty fields rather than an error: that would be a row without content."""
    monkeypatch.setattr(columns, "_encode", lambda _: b"{")
    clickhouse = ClickHouse(wiring.clickhouse(stack.settings("worker").clickhouse))
    trail = ClickHouseTrail(clickhouse)
    with pytest.raises(RowsRejected, match="code 117"):
        trail.write(a_block(announced))
    assert trail.tally(announced).row_count == 0
    clickhouse.close()


@pytest.mark.stack
def test_events_are_taken_apart_into_the_types_that_the_table_has(stack: Stack) -> None:
    """Another type is converted for every row, and may cut off what it cannot hold."""
    admin = stack.clickhouse("admin")
    types = {name: kind for name, kind, *_ in admin.execute("DESCRIBE access_log")}
    admin.disconnect()
    wanted = columns.EVENT_TYPES | columns.VERDICT_TYPES
    assert {name: types[name] for name in wanted} == wanted


def test_only_stored_identities_are_known(sink: TrailSink, announced: Range) -> None:
    """The same id from another source is another access."""
    row = an_access(announced, 10)
    sink.write(Block(announced, [row], 4, NOW))
    others = [("/elsewhere", row.event.id), (row.event.source, event_id(999_999_999))]
    assert not sink.known(others, None)
    assert not sink.known([], None)


def test_the_rows_of_a_range_are_no_copies_of_it(sink: TrailSink, announced: Range) -> None:
    """An earlier owner's insert may arrive after its range was found missing and is taken again."""
    row = an_access(announced, 10)
    sink.write(Block(announced, [row], 4, NOW))
    identity = (row.event.source, row.event.id)
    assert not sink.known([identity], announced)
    assert sink.known([identity], elsewhere(announced))


def test_the_newest_id_is_the_one_that_was_made_last(sink: TrailSink, announced: Range) -> None:
    """Whoever takes a partition over looks no later id up: it tells when none was made that is stored."""
    place = (announced.topic, announced.partition)
    assert sink.newest_id_ms(*place, NOW_MS - 1) is None
    number = announced.partition
    ids = [event_id(number, NOON_MS + 2), event_id(number, NOON_MS + 7), event_id(number, NOON_MS + 5)]
    without_time = str(uuid5(NAMESPACE_URL, str(number)))
    rows = [an_access(announced, 10 + nth, id=each) for nth, each in enumerate([*ids, without_time])]
    sink.write(Block(announced._replace(last=13), rows, 4, NOW))
    assert sink.newest_id_ms(*place, NOW_MS - 1) == NOON_MS + 7
    assert sink.newest_id_ms(*place, NOW_MS) is None
    assert sink.newest_id_ms(announced.topic, next(PARTITIONS), NOW_MS - 1) is None


def test_the_highest_offset_is_that_of_the_last_range(sink: TrailSink, announced: Range) -> None:
    """A range of nothing but copies leaves no row, yet must not be read again."""
    assert sink.highest_offset(announced.topic, announced.partition) is None
    sink.write(a_block(announced))
    assert sink.highest_offset(announced.topic, announced.partition) == 12
    sink.write_ledger(LedgerEntry(announced._replace(first=13, last=40), 0, 0, 28))
    assert sink.highest_offset(announced.topic, announced.partition) == 40


def test_rows_that_no_ledger_row_covers_are_found_by_day(sink: TrailSink, announced: Range) -> None:
    """A group that expired, or a backup, can leave rows of which no commit tells."""
    topic, partition = announced.topic, announced.partition
    tomorrow = announced._replace(first=21, last=30, day=announced.day + timedelta(days=1))
    assert sink.unaccounted(topic, partition) == []
    sink.write(a_block(announced))
    sink.write(Block(tomorrow, [an_access(announced, 25), an_access(announced, 27)], 4, NOW))
    sink.write(Block(announced._replace(first=31, last=40), [an_access(announced, 33)], 4, NOW))
    assert sink.unaccounted(topic, partition) == [
        announced,
        tomorrow._replace(first=13, last=27),
        announced._replace(first=28, last=33),
    ]
    sink.write_ledger(LedgerEntry(announced._replace(last=14), 3, 0, 2))
    assert sink.unaccounted(topic, partition)[0] == tomorrow._replace(first=15, last=27)
    sink.write_ledger(LedgerEntry(announced._replace(first=15, last=40), 3, 0, 0))
    assert sink.unaccounted(topic, partition) == []


def test_other_dead_letters_of_a_range_are_kept_beside_the_first(sink: TrailSink, announced: Range) -> None:
    """What the store refuses is known only after what could not be read was kept."""
    letters = [
        DeadLetter(
            "not_json", "no", (), Position(announced.topic, announced.partition, offset), NOW, b"k", b"v"
        )
        for offset in (10, 12)
    ]
    for letter in (*letters, *letters):
        sink.write_dead_letters(announced, [letter])
    assert [letter.position.offset for letter in sink.refused(announced)] == [10, 12]


def test_rows_that_the_store_refuses_are_named(refusing: TrailSink, announced: Range) -> None:
    """Nothing of the block is stored, and nothing by asking which rows are at fault."""
    block = a_block(announced)
    rows = [*block.rows[:2], an_access(announced, 12, actor_id="refused")]
    block = block._replace(rows=rows)
    with pytest.raises(RowsRejected):
        refusing.write(block)
    assert list(refusing.misfits(block)) == [12]
    assert refusing.tally(announced).row_count == 0
    refusing.write(block._replace(rows=rows[:2]))
    assert refusing.tally(announced).row_count == 2


def test_where_many_rows_are_refused_the_table_is_at_fault(
    refusing: TrailSink, announced: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead letters in place of the whole trail would hide a broken schema."""
    for module in (memory, misfits):
        monkeypatch.setattr(module, "MOST_MISFITS", 2)
    rows = [an_access(announced, offset, actor_id="refused") for offset in (10, 11, 12)]
    with pytest.raises(SinkRejected, match="the table is at fault"):
        refusing.misfits(Block(announced, rows, 4, NOW))


def test_dead_letters_keep_their_bytes_and_count_once(sink: TrailSink, announced: Range) -> None:
    """What was refused is evidence too, whatever it holds."""
    where = Position(announced.topic, announced.partition, 11)
    letter = DeadLetter("not_json", "no JSON", (), where, NOW - timedelta(seconds=1), None, b"\xff\x00'")
    sink.write_dead_letters(announced, [letter])
    sink.write_dead_letters(announced, [letter])
    assert sink.tally(announced) == LedgerEntry(announced, 0, 1, 2)


def test_what_was_set_aside_counts_once_for_each_offset(sink: TrailSink, announced: Range) -> None:
    """A range that is taken again sets the same records aside, and sometimes one more."""
    copy = SetAside(11, NOW_MS, "copy", "p-1", 7)
    sink.write_set_aside(announced, [copy])
    sink.write_set_aside(announced, [copy, SetAside(12, NOW_MS, "not_json", "", 0)])
    assert sink.tally(announced) == LedgerEntry(announced, 0, 0, 3, 2)


def test_dead_letters_keep_their_headers(sink: TrailSink, announced: Range) -> None:
    """Which contract the producer speaks stands there; without it the record is refused again."""
    where = Position(announced.topic, announced.partition, 11)
    headers = (("ce_dataschema", b"urn:x:9"), ("odd", b"\xff\x00'"), ("odd", b""))
    letter = DeadLetter("invalid_field", "", ("id",), where, NOW.replace(microsecond=0), b"k", b"v", headers)
    sink.write_dead_letters(announced, [letter])
    assert sink.refused(announced) == [letter]


def test_evidence_may_be_written_again(sink: TrailSink) -> None:
    """The recorder commits after it writes, so a version can come twice."""
    record = EvidenceRecord(ref=f"{EVIDENCE_RECORDS}:t", kind="complaint", valid_from=NOW)
    for _ in range(2):
        sink.write_evidence([RegisteredEvidence(record, 7, NOW_MS)])


def test_of_each_record_the_newest_version_that_is_not_known_is_given(sink: TrailSink) -> None:
    """A worker that starts asks for what compaction took from the topic, and for nothing else."""
    name = uuid4().hex
    older, newer, known, behind = (f"ticket:{name}-{number}" for number in range(4))
    written = [(older, 3), (newer, 3), (newer, 9), (known, 5), (behind, 6)]
    for _ in range(2):
        sink.write_evidence(
            [RegisteredEvidence(a_complaint(ref), version, NOW_MS) for ref, version in written]
        )
    found = [item for item in sink.evidence_beyond({known: 5, behind: 7}) if name in item.ref]
    assert sorted((item.ref, item.version) for item in found) == [(older, 3), (newer, 9)]
    for item in found:
        assert EvidenceRecord.model_validate_json(item.record) == a_complaint(item.ref)


def test_findings_keep_which_registers_were_overdue(sink: TrailSink, announced: Range) -> None:
    """Told again after a crash, a finding must still say that it may be no fault of the actor's."""
    row = an_access(announced, 10, UNJUSTIFIED)._replace(stale_registers=("hr", "zendesk"))
    sink.write(Block(announced, [row, an_access(announced, 11, UNJUSTIFIED)], 4, NOW))
    assert [finding.stale_registers for finding in sink.findings(announced)] == [("hr", "zendesk"), ()]


def test_a_register_is_known_by_its_newest_beat(sink: TrailSink, beat: Beat) -> None:
    """What it declared before counts no more: it may tell of other kinds now, or promise otherwise."""
    name = f"register-{uuid4().hex[:8]}"
    beat(Heartbeat(name=name, kinds=("complaint",), every_s=60))
    beat(Heartbeat(name=name, kinds=("complaint", "election"), every_s=3_600))
    found = {state.name: state for state in sink.registers()}[name]
    assert (found.kinds, found.every_s) == (("complaint", "election"), 3_600)
    assert abs(datetime.now(UTC) - found.beat_at) < timedelta(seconds=30)


def test_registers_come_by_name(sink: TrailSink, beat: Beat) -> None:
    """So that the rows of one outage name them alike."""
    for suffix in ("b", "a"):
        beat(Heartbeat(name=f"register-{uuid4().hex[:8]}-{suffix}", kinds=("complaint",), every_s=60))
    names = [state.name for state in sink.registers()]
    assert names == sorted(names)
    assert len(names) >= 2


def a_version(**changes: Any) -> PolicyVersion:
    version = PolicyVersion("contract-suite", f"v-{uuid4()}", "a" * 64, NOW, '{"title": "Wörter"}')
    return version._replace(**changes)


def test_a_policy_version_is_known_by_the_digest_it_was_registered_with(sink: TrailSink) -> None:
    """Rows of the trail name version and digest: one name must never mean two things."""
    version = a_version()
    assert sink.register_policy(version) == version.digest
    assert sink.register_policy(version) == version.digest
    assert sink.register_policy(version._replace(digest="b" * 64)) == version.digest


def test_another_version_is_known_by_its_own_digest(sink: TrailSink) -> None:
    """Versions follow each other; none stands in the way of the next."""
    first, second = a_version(), a_version(digest="b" * 64)
    assert [sink.register_policy(first), sink.register_policy(second)] == ["a" * 64, "b" * 64]


def test_a_version_that_rows_were_judged_by_is_known_by_theirs(sink: TrailSink, announced: Range) -> None:
    """A trail from before versions were registered holds them all the same."""
    version = a_version()
    verdict = JUSTIFIED._replace(policy_version=version.version, policy_digest="c" * 64)
    sink.write(Block(announced, [an_access(announced, 10, verdict)], 4, NOW))
    assert sink.register_policy(version) == "c" * 64
    assert sink.register_policy(version._replace(digest="c" * 64)) == "c" * 64


def test_of_workers_that_register_at_once_all_learn_the_same(sink: TrailSink) -> None:
    """Two of them with different files must not both go on."""
    version = a_version()
    rivals = [version._replace(digest=character * 64) for character in "abcdef"]
    with ThreadPoolExecutor(len(rivals)) as threads:
        known = set(threads.map(sink.register_policy, rivals))
    assert len(known) == 1

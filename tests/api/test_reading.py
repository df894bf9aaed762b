import json
from datetime import datetime

import pytest

from earwitness.cli.client import ApiClient
from earwitness.query.language import quote
from earwitness.query.rows import ROW_FIELDS
from models.errors import QueryRejected
from models.fields import format_time
from tests.api.world import NASTY, World
from tests.conftest import Stack

pytestmark = pytest.mark.stack


def found(api: ApiClient, query: str, **parameters: str | int | None) -> list[str]:
    return [row["id"] for row in api.get("search", query=query, **parameters)["rows"]]


def test_a_row_is_the_event_with_its_verdict_and_nothing_less(api: ApiClient, world: World) -> None:
    """The contract names each field; programs stand on them."""
    (row,) = api.get("search", query=f"customer:{world.customer_id} verdict:justified")["rows"]
    assert set(row) == set(ROW_FIELDS)
    given = {**dict.fromkeys(row), **world.engaged, "outcome": "succeeded"}
    given["time"] = format_time(datetime.fromisoformat(world.engaged["time"]))
    judged = {
        "verdict": "justified",
        "reason": "clause_met",
        "clause": "third-party.process-sms",
        "policy_version": "2013-02-07",
        "evidence_used": [world.contract],
        "derived": False,
        "late": False,
        "stale_registers": [],
    }
    places = {
        name: row[name]
        for name in (
            "policy_digest",
            "evidence_version",
            "received_at",
            "judged_at",
            "recorded_at",
            "position",
        )
    }
    assert row == {**given, **judged, **places}
    assert all(value is not None for value in places.values())


def test_a_search_gives_the_newest_first_and_goes_on_where_it_stopped(api: ApiClient, world: World) -> None:
    """Page by page gives each access once, whatever the size of a page."""
    query = f"customer:{world.customer_id}"
    wanted = [event["id"] for event in reversed(world.events)]
    assert found(api, query) == wanted
    for asked in (query, f"{query} -verdict:indeterminate"):
        page = api.get("search", q=asked, limit=2)
        rest = api.get("search", q=asked, limit=2, since=page["since"], after=page["next"])
        assert [row["id"] for row in (*page["rows"], *rest["rows"])] == wanted
        assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("verdict:unjustified,pending", [2, 1]),
        ("-verdict:justified", [2, 1]),
        ("-verdict:justified outcome:denied", [2]),
        ("reason:evidence_not_found", [2]),
        ("resource_type:call_recording,sms_content", [2, 1, 0]),
        ("clause:third-party.process-sms", [0]),
        ('-clause:""', [0]),
        ("items:0", [0]),
        ("-items:0", [2, 1]),
        ('items:""', [2, 1]),
        ("sequence:7", [0]),
        ('sequence:""', [2, 1]),
        ("late:true", []),
        ("derived:false", [2, 1, 0]),
        ("-time:2020-01-01", [2, 1, 0]),
        ("purpose:process_sms,nothing -action:listen", [2, 0]),
        ("(reason:evidence_* OR items:*)", [2, 0]),
        ("-(reason:evidence_* OR items:*)", [1]),
        ("sequence:5..9", [0]),
        ("sequence:<9 -sequence:<=6", [0]),
        ("actor:v-* time:>=-2h", [2, 1, 0]),
        ("time:>now", []),
        ('"contract:UNKNOWN-"', [2]),
        ("ACME- -outcome:denied", [1, 0]),
    ],
)
def test_terms_find_what_they_say(api: ApiClient, world: World, query: str, minutes: list[int]) -> None:
    """Negation includes what has no value at all: an absent count is not 0."""
    wanted = [world.events[minute]["id"] for minute in minutes]
    assert found(api, f"customer:{world.customer_id} {query}") == wanted


def test_evidence_used_position_and_id_find_one_access(api: ApiClient, world: World) -> None:
    """From a contract, from a Kafka offset and from a reference in a mail."""
    (row,) = api.get("search", query=f"used:{world.contract}")["rows"]
    assert row["id"] == world.engaged["id"]
    assert found(api, f"position:{row['position']}") == [row["id"]]
    assert found(api, f"id:{row['id']} judged_at:{row['judged_at']}") == [row["id"]]


def test_since_is_included_and_until_is_not(api: ApiClient, world: World) -> None:
    """So that one interval ends where the next begins and no access is in both or in neither."""
    query, middle = f"customer:{world.customer_id}", world.unengaged["time"]
    assert found(api, query, since=middle) == [world.pending["id"], world.unengaged["id"]]
    assert found(api, query, until=middle) == [world.engaged["id"]]
    assert found(api, query, since="10m") == []


def test_a_value_with_everything_in_it_is_found_and_given_back(api: ApiClient, world: World) -> None:
    """Values reach ClickHouse as typed parameters, and come back as they were sent."""
    page = api.get("search", query=f"user_agent:{quote(NASTY)}")
    assert [row["user_agent"] for row in page["rows"] if row["customer_id"] == world.customer_id] == [NASTY]


def test_one_access_is_shown_by_its_id(api: ApiClient, world: World) -> None:
    """Upper-case hexadecimal is the same id."""
    (row,) = api.get("accesses", world.engaged["id"].upper())["accesses"]
    assert row["id"] == world.engaged["id"]


def test_an_explanation_says_clause_checks_and_evidence_as_they_were(api: ApiClient, world: World) -> None:
    """Judged again from what was known, it comes to the verdict that the trail holds."""
    (explanation,) = api.get("accesses", world.engaged["id"], "explanation")["explanations"]
    assert explanation["differences"] == []
    assert explanation["clause"]["id"] == "third-party.process-sms"
    assert explanation["clause"]["quotes"]
    assert explanation["policy"]["known"]
    (evidence,) = explanation["evidence"]
    assert (evidence["ref"], evidence["cited"], evidence["used"]) == (world.contract, True, True)
    assert evidence["record"]["functions"] == ["process_sms"]
    assert explanation["checks"]
    assert all(check["passed"] for check in explanation["checks"])
    assert explanation["missing"] == []
    assert [verdict["verdict"] for verdict in explanation["history"]] == ["justified"]


def test_an_explanation_says_what_would_have_justified_the_access(api: ApiClient, world: World) -> None:
    """The vendor is engaged for SMS, and listened to a call."""
    (explanation,) = api.get("accesses", world.unengaged["id"], "explanation")["explanations"]
    assert (explanation["clause"], explanation["purpose"]["id"]) == (None, "third-party.process-sms")
    assert not all(check["passed"] for check in explanation["checks"])
    assert explanation["missing"]


def test_an_explanation_shows_evidence_that_nobody_knew(api: ApiClient, world: World) -> None:
    """An investigator sees that the reference leads nowhere."""
    (explanation,) = api.get("accesses", world.pending["id"], "explanation")["explanations"]
    cited, other = explanation["evidence"]
    assert (cited["ref"], cited["cited"], cited["record"]) == (world.unknown_ref, True, None)
    assert (other["ref"], other["cited"], other["used"]) == (world.contract, False, False)


def test_an_explanation_says_what_could_have_been_declared(api: ApiClient, world: World) -> None:
    """The vendor cited what nobody knows, and has a contract that covers what it did."""
    (explanation,) = api.get("accesses", world.pending["id"], "explanation")["explanations"]
    (alternative,) = explanation["alternatives"]
    assert alternative.pop("title")
    assert alternative == {
        "clause": "third-party.process-sms",
        "purpose": "process_sms",
        "evidence_ref": world.contract,
        "way": "derived",
    }
    (explanation,) = api.get("accesses", world.engaged["id"], "explanation")["explanations"]
    assert explanation["alternatives"] == []


def test_evidence_is_listed_by_page_and_kept_by_version(api: ApiClient, world: World) -> None:
    """What the judge's dry run rebuilds its registers from: the record in full, with its version."""
    listed = api.get("evidence", customer=world.customer_id, kind="engagement")
    (item,) = listed["items"]
    assert item["record"]["ref"] == world.contract
    assert item["record"]["functions"] == ["process_sms"]
    assert isinstance(item["version"], int)
    one = api.get("evidence", world.contract)
    assert one["current"] == item
    assert one["versions"] == [item]
    assert api.get("evidence", customer=world.customer_id, kind="complaint")["items"] == []


def test_every_page_of_evidence_goes_on_behind_the_one_before(api: ApiClient, world: World) -> None:
    """Pages of one give each record once, in the order of refs."""
    refs: list[str] = []
    after: str | None = ""
    while after is not None:
        page = api.get("evidence", limit=1, after=after)
        refs += [item["record"]["ref"] for item in page["items"]]
        after = page["next"]
    assert world.contract in refs
    assert refs == sorted(set(refs), key=str.encode)


def test_a_dead_letter_is_listed_with_its_reason_and_shown_with_its_bytes(
    api: ApiClient, world: World
) -> None:
    """What was refused can be read as it came, and put right."""
    letters = api.get("dead-letters", reason="unknown_field", limit=1_000)["dead_letters"]
    (letter,) = [letter for letter in letters if letter["fields"] == [world.customer_id]]
    shown = api.get("dead-letters", *letter["position"].split("/"))["dead_letter"]
    assert shown["value"].encode() == world.unreadable
    assert shown["byte_count"] == len(world.unreadable)
    assert shown["key"] == json.loads(world.unreadable)["id"]


def test_sql_runs_as_a_user_who_may_read_the_views_and_nothing_else(api: ApiClient, world: World) -> None:
    """Neither the tables below, nor files, nor other servers."""
    condition = f"customer_id = '{world.customer_id}'"
    query = f"SELECT customer_id, count() AS n FROM trail WHERE {condition} GROUP BY customer_id"  # noqa: S608
    assert api.post("sql", body={"query": query})["rows"] == [[world.customer_id, 3]]
    for forbidden, said in (
        ("SELECT * FROM access_log", "Not enough privileges"),
        ("SELECT * FROM dead_letters", "Not enough privileges"),
        ("SELECT * FROM file('/etc/passwd')", "reaches beyond the views"),
    ):
        with pytest.raises(QueryRejected, match=said) as caught:
            api.post("sql", body={"query": forbidden})
        assert "Stack trace" not in str(caught.value)


def test_sql_gives_no_more_rows_than_asked_for_and_says_so(api: ApiClient) -> None:
    """Its own LIMIT cannot lift ours."""
    table = api.post("sql", body={"query": "SELECT number FROM numbers(100000) LIMIT 50000", "limit": 3})
    assert (len(table["rows"]), table["truncated"]) == (3, True)


def test_who_read_what_can_be_read_too(api: ApiClient, stack: Stack, world: World) -> None:
    """The record is in ClickHouse before the answer is out."""
    query = f"customer_id:{world.customer_id} actor_id:{world.actor_id}"
    api.get("search", q=query)
    client = stack.clickhouse("reader")
    rows = client.execute(
        "SELECT surface, action, customer_ids, row_count FROM activity WHERE startsWith(query, %(query)s)",
        {"query": query},
    )
    client.disconnect()
    assert rows == [("cli", "search", [world.customer_id], 3)]

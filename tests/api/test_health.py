import httpx

from earwitness.api.app import create_app
from earwitness.health.readiness import CLICKHOUSE, Readiness
from tests.api.serving import NOTHING, CannedStore, Kept, serving, sources
from tests.health.clock import Clock


def asked(readiness: Readiness, path: str) -> tuple[int, dict[str, object]]:
    """Ask as an orchestrator does: without a token."""
    told = sources(CannedStore(NOTHING), Kept())._replace(readiness=readiness)
    with serving(create_app(told, token="t", largest_page=1)) as url:
        answer = httpx.get(f"{url}{path}", timeout=10, trust_env=False)
        return answer.status_code, answer.json()


def test_the_api_is_ready_while_its_store_answers() -> None:
    """Nobody has to say who they are to learn that."""
    readiness = Readiness((CLICKHOUSE,), Clock())
    readiness.answered(CLICKHOUSE)
    assert asked(readiness, "/readyz") == (200, {"ready": True, "why": ["clickhouse answers"]})


def test_the_api_says_why_it_is_not_ready_and_that_it_lives() -> None:
    """What cannot be put on record is not answered either; a restart would not mend it."""
    clock = Clock()
    readiness = Readiness((CLICKHOUSE,), clock)
    readiness.answered(CLICKHOUSE)
    clock.pass_(1)
    assert asked(readiness, "/readyz") == (
        503,
        {"ready": False, "why": ["clickhouse has not answered for 1.0 s"]},
    )
    assert asked(readiness, "/livez")[0] == 200

import httpx
import pytest
from pydantic import SecretStr

from earwitness.cli.client import CONNECT_WITHIN_S, ApiClient
from earwitness.settings import ApiSettings
from models.errors import ConfigurationError, QueryRejected, SinkUnavailable, StackUnavailable

SETTINGS = ApiSettings(url="http://127.0.0.1:8321", token=SecretStr("t"))


def answering(answer: httpx.Response) -> ApiClient:
    return ApiClient(SETTINGS, transport=httpx.MockTransport(lambda _request: answer))


def an_error(status: int, code: str = "some_code") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "what", "hint": "how"}})


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (an_error(400), QueryRejected, "^what; how$"),
        (an_error(413), QueryRejected, "^what; how$"),
        (an_error(401), StackUnavailable, "--data-dir"),
        (an_error(503), SinkUnavailable, "^what; how$"),
        (an_error(500), StackUnavailable, "http://127.0.0.1:8321 answered 500: what; how"),
        (an_error(404), StackUnavailable, "answered 404"),
        (httpx.Response(502, text="<html>a proxy</html>"), StackUnavailable, "answered 502: <html>a proxy"),
        (httpx.Response(503, json=["no error of ours"]), SinkUnavailable, "no error of ours"),
    ],
)
def test_each_answer_is_the_error_that_says_what_to_do(
    answer: httpx.Response, error: type[Exception], said: str
) -> None:
    """A wrong question exits 2, a stack that is not well exits 1: the class decides."""
    with answering(answer) as api, pytest.raises(error, match=said):
        api.get("search")


def test_what_the_api_does_not_know_is_none_and_no_error() -> None:
    """The command says so in its own words. A 404 of another kind is a wrong address."""
    with answering(an_error(404, "not_found")) as api:
        assert api.find("accesses", "1") is None
    with answering(httpx.Response(404, text="nginx")) as api, pytest.raises(StackUnavailable):
        api.find("accesses", "1")


def test_an_address_where_nothing_listens_is_tried_for_a_while_then_named() -> None:
    """An API that its supervisor starts again is back within that; a person gets address and advice."""
    waited: list[float] = []
    clock = iter(range(1_000))

    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    transport = httpx.MockTransport(refuse)
    with (
        ApiClient(SETTINGS, transport=transport, sleep=waited.append, now=lambda: next(clock)) as api,
        pytest.raises(StackUnavailable, match=r"http://127\.0\.0\.1:8321 \(tried for 5 s.*earwitness up"),
    ):
        api.get("search")
    assert len(waited) == CONNECT_WITHIN_S


def test_an_api_that_comes_back_is_asked_again() -> None:
    """Nothing was read before the connection stood, so nothing is asked twice."""
    answers = iter([httpx.ConnectError("Connection refused"), httpx.Response(200, json={"rows": []})])

    def answer(_request: httpx.Request) -> httpx.Response:
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    with ApiClient(SETTINGS, transport=httpx.MockTransport(answer), sleep=lambda _: None) as api:
        assert api.get("search") == {"rows": []}


@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut off")])
def test_a_connection_that_breaks_is_not_tried_again(error: httpx.HTTPError) -> None:
    """The question may have been answered, and recorded; whether to ask again is for the person."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise error

    with (
        ApiClient(SETTINGS, transport=httpx.MockTransport(answer)) as api,
        pytest.raises(StackUnavailable, match=r"127\.0\.0\.1:8321"),
    ):
        api.get("search")
    assert len(asked) == 1


def test_parts_of_a_path_may_hold_anything() -> None:
    """A ref with a slash, a question mark or a space is one part."""
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={})

    with ApiClient(SETTINGS, transport=httpx.MockTransport(answer)) as api:
        api.get("evidence", "ticket:a/../b?c#d e%")
    assert paths == [b"/api/v1/evidence/ticket%3Aa%2F..%2Fb%3Fc%23d%20e%25"]


def test_text_that_is_no_unicode_is_refused_before_it_is_sent() -> None:
    """A terminal hands over bytes that it could not decode as lone surrogates."""
    with answering(httpx.Response(200, json={})) as api:
        with pytest.raises(QueryRejected, match="not Unicode"):
            api.get("evidence", "\udcff")
        with pytest.raises(QueryRejected, match="not Unicode"):
            api.get("search", query="\udcff")


def test_without_a_token_nothing_is_asked() -> None:
    """The setting is named, instead of a 401 from far away."""
    with pytest.raises(ConfigurationError, match="EARWITNESS_API__TOKEN"):
        ApiClient(ApiSettings())

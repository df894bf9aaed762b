"""Where the API listens: beyond loopback never in the clear, unless a proxy is named that ends TLS."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from earwitness.api.app import create_app
from earwitness.api.throttling import MOST_WRONG_TOKENS
from earwitness.cli.api_server import check_protected, listen, server_of
from earwitness.cli.client import ApiClient
from earwitness.settings import ApiSettings
from models.errors import ConfigurationError, StackUnavailable
from tests.api.serving import NOTHING, TOKEN, CannedStore, Kept, sources
from tests.cli.test_api_command import environment, free_port, refusal
from tests.conftest import Stack

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is to be refused


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody else signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=earwitness"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return cert, key


@contextmanager
def serving(api: ApiSettings) -> Iterator[None]:
    """Serve an API on that address, as the command does."""
    app = create_app(sources(CannedStore(NOTHING), Kept()), token=TOKEN, largest_page=1_000)
    server = server_of(app, api)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen(api)]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "api.example.org"])
def test_beyond_loopback_it_refuses_to_listen_in_the_clear(host: str) -> None:
    """And says all that would help."""
    with pytest.raises(ConfigurationError, match="EARWITNESS_API__TLS_CERT_FILE") as refused:
        check_protected(ApiSettings(host=host))
    assert "EARWITNESS_API__PROXY" in str(refused.value)
    check_protected(ApiSettings(host=host, proxy="192.0.2.7"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_nothing_is_asked_for(host: str) -> None:
    """Whoever listens there is on the machine already."""
    check_protected(ApiSettings(host=host))


def test_a_certificate_needs_its_key_and_both_must_be_readable(certificate: tuple[Path, Path]) -> None:
    """Said before it listens."""
    cert, key = certificate
    check_protected(ApiSettings(host=EVERYWHERE, tls_cert_file=cert, tls_key_file=key))
    for faulty in (
        ApiSettings(tls_cert_file=cert),
        ApiSettings(tls_key_file=key),
        ApiSettings(tls_cert_file=key, tls_key_file=cert),
        ApiSettings(tls_cert_file=cert, tls_key_file=cert.parent / "missing"),
    ):
        with pytest.raises(ConfigurationError, match="TLS_CERT_FILE"):
            check_protected(faulty)


def test_commands_ask_over_tls_and_know_the_certificate(certificate: tuple[Path, Path]) -> None:
    """A token is not sent to somebody else who answers at that address."""
    cert, key = certificate
    port = free_port()
    api = ApiSettings(port=port, tls_cert_file=cert, tls_key_file=key, token=SecretStr(TOKEN))
    with serving(api):
        with ApiClient(api.model_copy(update={"tls_ca_file": cert})) as client:
            assert client.get("search")["rows"] == []
        with ApiClient(api, sleep=lambda _: None) as client, pytest.raises(StackUnavailable):
            client.get("search")


@pytest.mark.parametrize(("proxy", "locked"), [(None, True), ("192.0.2.7", True), ("127.0.0.1", False)])
def test_where_a_client_comes_from_is_believed_of_the_named_proxy_alone(
    proxy: str | None, *, locked: bool
) -> None:
    """Else a header would be the way out of a lock-out, and into somebody else's."""
    api = ApiSettings(port=free_port(), proxy=proxy, token=SecretStr("ew_wrong"))
    with serving(api), ApiClient(api) as client:
        statuses = [
            client._http.get("/api/v1/search", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(MOST_WRONG_TOKENS + 1)
        ]
    assert statuses[-1] == (429 if locked else 401)


@pytest.mark.stack
def test_the_command_does_not_start_beyond_loopback(stack: Stack, tmp_path: Path) -> None:
    """As an operator meets it: exit code 2, and what to set."""
    code, said = refusal(environment(stack, free_port(), EARWITNESS_API__HOST=EVERYWHERE), tmp_path)
    assert code == 2
    assert "0.0.0.0 is beyond loopback" in said
    assert "EARWITNESS_API__PROXY" in said


def test_a_short_answer_does_not_wait_for_the_client() -> None:
    """Its body follows its head at once; else each answer of some kilobytes took 40 ms more."""
    port = free_port()
    with listen(ApiSettings(host="127.0.0.1", port=port)) as listening:
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

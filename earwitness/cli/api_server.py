"""Where the API listens, and how: beyond loopback never without TLS, its own or that of a named proxy."""

import ipaddress
import socket
import ssl
from typing import Final

import uvicorn

from earwitness.api.limits import LARGEST_HEAD_BYTES, MOST_CONNECTIONS, SLOWEST_READER_S
from earwitness.api.protocol import Protocol
from earwitness.settings import ApiSettings
from models.errors import ConfigurationError

STOP_WITHIN_S: Final = 5
BACKLOG: Final = 128


def check_protected(api: ApiSettings) -> None:
    """Raise `ConfigurationError` where tokens and answers would cross a network that anyone can listen to."""
    faults = []
    if (api.tls_cert_file is None) != (api.tls_key_file is None):
        faults.append(
            "EARWITNESS_API__TLS_CERT_FILE and EARWITNESS_API__TLS_KEY_FILE (api.tls_cert_file,"
            " api.tls_key_file): one needs the other"
        )
    elif api.tls_cert_file is not None and api.tls_key_file is not None:
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(api.tls_cert_file, api.tls_key_file)
        except (OSError, ssl.SSLError) as error:
            faults.append(
                f"EARWITNESS_API__TLS_CERT_FILE (api.tls_cert_file): {api.tls_cert_file} with"
                f" {api.tls_key_file} cannot be used: {error.strerror or error}"
            )
    elif not _is_loopback(api.host) and api.proxy is None:
        faults.append(
            f"EARWITNESS_API__HOST (api.host): {api.host} is beyond loopback, where tokens and answers would"
            " be read on their way; give a certificate (EARWITNESS_API__TLS_CERT_FILE and"
            " EARWITNESS_API__TLS_KEY_FILE), or name the proxy that ends TLS (EARWITNESS_API__PROXY)"
        )
    if faults:
        raise ConfigurationError(faults)


def listen(api: ApiSettings) -> socket.socket:
    """Open the port. Raises `ConfigurationError` where that is not possible."""
    try:
        listening = socket.create_server((api.host, api.port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            [f"EARWITNESS_API__PORT (api.port): cannot listen on {api.host}:{api.port}: {error.strerror}"]
        ) from error
    # What a client does not take within that time ends its connection; accepted ones inherit it.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SLOWEST_READER_S * 1_000)
    # asyncio does this for sockets that it makes itself. Without it a short answer's body waits until the
    # client acknowledges its head, which a client does after 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def server_of(app: object, api: ApiSettings) -> uvicorn.Server:
    """Give the server; where a client comes from is believed of nobody but the proxy that is named."""
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # FastAPI is one of the callables it takes
            log_level="warning",
            access_log=False,
            log_config=None,
            ws="none",
            lifespan="off",
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            http=Protocol,
            h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            proxy_headers=api.proxy is not None,
            forwarded_allow_ips=api.proxy or "",
            ssl_certfile=api.tls_cert_file,
            ssl_keyfile=api.tls_key_file,
        )
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

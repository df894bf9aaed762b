"""What the tests of the embedded stack are made of."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from earwitness.devstack import lock, state
from earwitness.devstack.children import ChildSpec
from earwitness.devstack.downloads import Jar
from earwitness.devstack.layout import Layout, layout_of, prepare
from earwitness.devstack.ports import Ports
from earwitness.devstack.state import Phase, ProcessState, StackState
from earwitness.devstack.users import make_secrets

SOME_PORTS = Ports(kafka=41001, kafka_controller=41002, clickhouse=41003, clickhouse_http=41005, api=41004)


def a_jar(name: str, content: bytes) -> Jar:
    """A lock entry for these bytes."""
    return Jar(
        group="org.example",
        artifact=name,
        version="1.0",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )


@contextmanager
def a_repository(files: Mapping[str, bytes], *, claimed_bytes: int | None = None) -> Iterator[str]:
    """Serve these paths over HTTP on loopback; `claimed_bytes` lies about every length."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(claimed_bytes or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_layout(folder: Path) -> Layout:
    """A data folder with its secrets, in which nothing has run yet."""
    layout = layout_of(folder / "data")
    prepare(layout)
    make_secrets(layout)
    return layout


def a_process(**changes: object) -> ProcessState:
    """A child as a supervisor describes it."""
    values = {
        "name": "kafka",
        "pid": 1,
        "address": None,
        "created_at": 1.0,
        "ready": True,
        "restarts": 0,
        "last_exit": None,
    }
    return ProcessState.model_validate({**values, **changes})


def a_state(layout: Layout, phase: Phase = "ready", processes: tuple[ProcessState, ...] = ()) -> StackState:
    """A stack as its supervisor describes it."""
    return StackState(
        phase=phase,
        problem=None,
        data_dir=layout.root,
        supervisor_pid=4711,
        ports=SOME_PORTS,
        processes=processes,
    )


@contextmanager
def supervised(layout: Layout) -> Iterator[None]:
    """Hold the data folder as a supervisor does, and say that the stack is ready."""
    with lock.held(layout, lock.Holder(4711, 1.0)):
        state.write(layout, a_state(layout))
        yield


def a_child(folder: Path, *command: str, **changes: object) -> ChildSpec:
    """A child that is ready at once."""
    spec = ChildSpec(
        name="child",
        command=command,
        environment={},
        folder=folder,
        log=folder / "child.log",
        address=None,
        is_ready=lambda: True,
        stop_limit_s=5.0,
    )
    return spec._replace(**changes)

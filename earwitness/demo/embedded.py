"""The demo's three ways into an embedded stack, each as the user that may go it and no other."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from earwitness_sdk import FlushReport, Forwarder, Kafka, NotRecorded, Register

from earwitness.cli import sdk_wiring
from earwitness.cli.client import ApiClient
from earwitness.devstack import state
from models.errors import BrokerUnavailable
from models.evidence import EvidenceRecord

from .labels import LabelledAccess
from .progress import Report

CHUNK: Final = 2_000
"""Records handed over before their acknowledgements are looked at."""

ACKNOWLEDGED_WITHIN_S: Final = 30.0

T = TypeVar("T")
Submit = Callable[[T], "Future[None]"]


class _Publisher(Protocol):
    def close(self, timeout_s: float) -> FlushReport: ...


class EmbeddedPipeline:
    """A `run.Pipeline` on the embedded stack of a data folder."""

    def __init__(self, data_dir: Path, api: ApiClient) -> None:
        self._data_dir = data_dir
        self._api = api

    def register(self, evidence: Sequence[EvidenceRecord], report: Report) -> None:
        """Publish evidence as a register does."""
        register = Register(kafka=self._kafka("register"))
        _publish(evidence, lambda record: register.submit(_fields(record))[1], register, report)

    def record(self, accesses: Sequence[LabelledAccess], report: Report) -> None:
        """Publish accesses as services do."""
        forwarder = Forwarder(kafka=self._kafka("producer"))
        _publish(accesses, lambda access: forwarder.submit(access.event)[1], forwarder, report)

    def ask(self, query: str, limit: int) -> Sequence[Sequence[Any]]:
        """Run one SELECT as a reader does."""
        rows: list[list[Any]] = self._api.post("sql", body={"query": query, "limit": limit})["rows"]
        return rows

    def _kafka(self, role: str) -> Kafka:
        return sdk_wiring.kafka(state.settings_for(self._data_dir, role).kafka)


@contextmanager
def embedded_pipeline(data_dir: Path) -> Iterator[EmbeddedPipeline]:
    """Reach the stack of a data folder. Raises `StackUnavailable` where none is running there."""
    with ApiClient(state.settings_for(data_dir, "api").api) as api:
        yield EmbeddedPipeline(data_dir, api)


def _publish(things: Sequence[T], submit: Submit[T], publisher: _Publisher, report: Report) -> None:
    """Publish all, chunk by chunk. Raises `BrokerUnavailable` where one is not acknowledged."""
    try:
        for start in range(0, len(things), CHUNK):
            chunk = things[start : start + CHUNK]
            report(f"{start:,} of {len(things):,}")
            futures = [submit(thing) for thing in chunk]
            for future in futures:
                future.result(ACKNOWLEDGED_WITHIN_S)
    except NotRecorded as error:
        raise BrokerUnavailable(str(error)) from error
    except TimeoutError as error:
        raise BrokerUnavailable(f"Kafka acknowledged nothing within {ACKNOWLEDGED_WITHIN_S:.0f} s") from error
    finally:
        publisher.close(ACKNOWLEDGED_WITHIN_S)


def _fields(record: EvidenceRecord) -> dict[str, Any]:
    return record.model_dump(exclude_defaults=True)

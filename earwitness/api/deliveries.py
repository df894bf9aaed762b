"""What becomes of a delivery: proven, read, compared, on record, published, and only then answered."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, NamedTuple
from uuid import uuid4

import structlog

from earwitness.api.recording import Clock
from earwitness.api.sources import Sources
from earwitness.registers.activity import writing
from earwitness.registers.hooks import Hook, Settlement, evidence_message, settle
from earwitness.registers.reading import NotAllowed, RowRefused
from earwitness.registers.rows import json_row
from earwitness.registers.signatures import Delivery, Forged, Signed, check
from earwitness.registers.success import OnSuccess
from models.errors import BrokerUnavailable, SinkUnavailable
from models.evidence import EvidenceRecord
from models.publisher import Publisher
from sinks.clickhouse.activity import Activity

log = structlog.get_logger()

MOST_REMEMBERED: Final = 100_000
"""Deliveries of one register that are known again within its replay window; more are turned away."""

MOST_RECENT: Final = 10_000
RECENT_FOR: Final = timedelta(minutes=5)
"""Records that were published a moment ago are compared with, for the table may not show them yet."""

TURN_WITHIN_S: Final = 5.0
"""How long a delivery waits while another of its register is taken."""

RETRY_AFTER_S: Final = "5"
UNPROCESSABLE: Final = 422  # its name differs between versions of Python

Answer = dict[str, str]


class Hooks(NamedTuple):
    """The webhooks by register, what publishes their evidence, and who hears that one succeeded."""

    hooks: Mapping[str, Hook]
    publisher: Publisher
    on_success: OnSuccess


class Refused(Exception):
    """A delivery is not taken. `message` and `hint` are for its sender, `reason` is for the log."""

    def __init__(self, status: int, code: str, message: str, *, hint: str = "", reason: str = "") -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.reason = reason or code
        retry = status == HTTPStatus.SERVICE_UNAVAILABLE
        self.headers = {"Retry-After": RETRY_AFTER_S} if retry else {}
        super().__init__(message)


class Deliveries:
    """Takes deliveries, one at a time for each register, so that word of one ticket stays in its order."""

    def __init__(self, hooks: Hooks, sources: Sources, clock: Clock) -> None:
        self._hooks = hooks
        self._sources = sources
        self._clock = clock
        self._turns = {name: threading.Lock() for name in hooks.hooks}
        self._seen: dict[str, OrderedDict[bytes, datetime]] = {name: OrderedDict() for name in hooks.hooks}
        self._recent: dict[str, OrderedDict[str, tuple[EvidenceRecord, datetime]]] = {
            name: OrderedDict() for name in hooks.hooks
        }

    def take(self, name: str, delivery: Delivery) -> Answer:
        """Give the answer to a delivery. Raises `Refused`, which is logged with nothing of its content."""
        hook = self._hooks.hooks.get(name)
        if hook is None:
            raise unknown_register(name)
        try:
            return self._taken(hook, delivery)
        except Refused as refused:
            log.warning("webhook_refused", register=name, reason=refused.reason)
            raise

    def _taken(self, hook: Hook, delivery: Delivery) -> Answer:
        name, now = hook.register.name, self._clock()
        signed = _proven(hook, delivery, now)
        with self._turn(name):
            seen = self._still_seen(hook, now)
            if signed.signature in seen:
                return {"result": "already_done"}
            if len(seen) >= MOST_REMEMBERED:
                raise _unavailable("more deliveries arrived than can be told apart", "too_many")
            answer = self._told(hook, _record(hook, delivery), now)
            seen[signed.signature] = now + _window(hook)
        self._hooks.on_success(hook.register)
        return answer

    def _told(self, hook: Hook, record: EvidenceRecord | None, now: datetime) -> Answer:
        if record is None:
            return {"result": "passed_over"}
        try:
            settlement = settle(record, self._held(hook.register.name, record.ref, now), now)
            if settlement.result == "recorded":
                self._publish(hook, settlement, now)
        except (BrokerUnavailable, SinkUnavailable) as error:
            log.warning("webhook_unavailable", register=hook.register.name, error=str(error))
            raise _unavailable("it could not be made durable") from error
        return {"result": settlement.result, "ref": record.ref}

    def _publish(self, hook: Hook, settlement: Settlement, now: datetime) -> None:
        name, record = hook.register.name, settlement.record
        told = writing(f"webhook {name}", [record])
        self._sources.activity.write(
            Activity(
                id=uuid4(),
                time=now,
                principal=f"webhook:{name}",
                surface="webhook",
                action="evidence.webhook",
                query=told.query,
                customer_ids=told.customer_ids,
                row_count=told.row_count,
            )
        )
        message = evidence_message(record, uuid4(), f"/earwitness/webhooks/{name}")
        self._hooks.publisher.publish([message])
        recent = self._recent[name]
        recent[record.ref] = (record, now + RECENT_FOR)
        recent.move_to_end(record.ref)
        if len(recent) > MOST_RECENT:
            recent.popitem(last=False)

    def _held(self, name: str, ref: str, now: datetime) -> EvidenceRecord | None:
        record, until = self._recent[name].get(ref, (None, now))
        if record is not None and now < until:
            return record
        versions = self._sources.evidence.versions(ref)
        return EvidenceRecord.model_validate(versions[0]["record"]) if versions else None

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        turn = self._turns[name]
        if not turn.acquire(timeout=TURN_WITHIN_S):
            raise _unavailable("others of this register are still being taken", "busy")
        try:
            yield
        finally:
            turn.release()

    def _still_seen(self, hook: Hook, now: datetime) -> OrderedDict[bytes, datetime]:
        seen = self._seen[hook.register.name]
        while seen and next(iter(seen.values())) < now:
            seen.popitem(last=False)
        return seen


def unknown_register(name: str) -> Refused:
    """Refuse a delivery to a register that is none, in the words for a wrong signature."""
    log.warning("webhook_refused", reason="unknown_register", characters=len(name))
    return _unproven("unknown_register")


def _proven(hook: Hook, delivery: Delivery, now: datetime) -> Signed:
    try:
        signed = check(hook.settings.flavour, hook.secret, delivery)
    except Forged as error:
        raise _unproven(str(error)) from error
    if abs(now - signed.at) > timedelta(seconds=hook.settings.replay_window_s):
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "stale",
            f"the delivery was signed more than {hook.settings.replay_window_s} s from now",
            hint="check both clocks; a longer replay_window_s lets late retries in",
        )
    return signed


def _window(hook: Hook) -> timedelta:
    """How long a delivery must be remembered: as long as its time would still be let in."""
    return timedelta(seconds=2 * hook.settings.replay_window_s)


def _record(hook: Hook, delivery: Delivery) -> EvidenceRecord | None:
    try:
        return hook.reader.read(json_row(delivery.body))
    except NotAllowed as error:
        raise Refused(HTTPStatus.FORBIDDEN, "not_allowed", str(error)) from error
    except RowRefused as error:
        raise Refused(
            UNPROCESSABLE,
            "invalid_record",
            str(error),
            hint="the register's mapping says which fields are used",
            reason=f"invalid_record: {', '.join(field for field, _ in error.faults)}",
        ) from error
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "not_json", f"the body {error}") from error


def _unproven(reason: str) -> Refused:
    return Refused(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "there is no such webhook, or the signature is not the one of its secret",
        hint="sign with the secret that this register's secret_file holds",
        reason=reason,
    )


def _unavailable(why: str, reason: str = "unavailable") -> Refused:
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        f"nothing was taken: {why}",
        hint="send the same delivery again",
        reason=reason,
    )

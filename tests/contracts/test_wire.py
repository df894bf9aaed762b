import json
from pathlib import Path
from typing import Any, Final

import pytest
from earwitness_sdk import _models as sdk_models
from earwitness_sdk.wire import access_record, evidence_record

import models
from streams.wire import AccessStruct, event_fields, read_access, read_evidence

WIRE: Final = Path(__file__).parent / "wire"
EVENTS: Final = sorted(WIRE.glob("access-event.*.json"))
RECORDS: Final = sorted(WIRE.glob("evidence-record.*.json"))


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", EVENTS, ids=name_of)
def test_an_event_that_was_sent_is_read_alike_by_app_and_sdk(path: Path) -> None:
    """Services carry an SDK of one version for years; what they sent must stay readable."""
    value = path.read_bytes()
    ours = models.AccessEvent.model_validate_json(value)
    theirs = sdk_models.AccessEvent.model_validate_json(value)
    assert ours.model_dump() == theirs.model_dump()


@pytest.mark.parametrize("path", EVENTS, ids=name_of)
def test_the_worker_reads_an_event_as_the_model_does(path: Path) -> None:
    """Its fast decoder is a second reader of the same bytes."""
    value = path.read_bytes()
    struct, unknown = read_access(value, ())
    assert isinstance(struct, AccessStruct)
    assert unknown == ""
    assert event_fields(struct) == models.AccessEvent.model_validate_json(value).model_dump(exclude_none=True)


@pytest.mark.parametrize("path", EVENTS, ids=name_of)
def test_the_sdk_writes_an_event_byte_for_byte(path: Path) -> None:
    """The same event is the same bytes at every version, so a copy can be told from a conflict."""
    value = path.read_bytes()
    event = sdk_models.AccessEvent.model_validate_json(value)
    record = access_record(event)
    assert record.value == value
    assert (record.topic, record.key) == ("access.events.v1", event.id.encode())


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_an_evidence_record_is_read_alike_by_app_and_sdk(path: Path) -> None:
    """The compacted topic keeps the newest record of a ref for ever, whoever wrote it."""
    value = path.read_bytes()
    theirs = sdk_models.EvidenceRecord.model_validate_json(value)
    assert models.EvidenceRecord.model_validate_json(value).model_dump() == theirs.model_dump()
    assert read_evidence(value).model_dump() == theirs.model_dump()


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_the_sdk_writes_an_evidence_record_byte_for_byte(path: Path) -> None:
    """As for events."""
    value = path.read_bytes()
    record = evidence_record(sdk_models.EvidenceRecord.model_validate_json(value))
    assert record.value == value
    assert (record.topic, record.key) == ("evidence.records.v1", json.loads(value)["ref"].encode())


def test_an_event_travels_with_its_cloudevents_attributes() -> None:
    """Other tools route by them; their names are part of the contract."""
    value = (WIRE / "access-event.smallest.json").read_bytes()
    headers = access_record(sdk_models.AccessEvent.model_validate_json(value)).headers
    assert headers == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_type": "earwitness.access.recorded.v1",
        "ce_id": "0190b5a2-7c1d-7e5f-8a3b-2f1e0d9c8b7a",
        "ce_source": "/services/recording-api",
        "ce_time": "2026-11-24T10:15:30.000000Z",
        "ce_dataschema": "urn:earwitness:schema:access-event:1",
    }


def test_every_field_of_the_contract_is_in_a_golden_file() -> None:
    """A field that is added later needs a file that pins it."""
    fields: dict[str, Any] = {}
    for path in (*EVENTS, *RECORDS):
        fields |= json.loads(path.read_bytes())
    assert set(fields) == set(models.AccessEvent.model_fields) | set(models.EvidenceRecord.model_fields)

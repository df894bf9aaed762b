"""Record every access to protected content, in one line.

recorder.record(actor_type="employee", actor_id="e-1", action="listen", ...)
"""

from ._models.access import AccessEvent
from ._models.evidence import EvidenceRecord
from .access import Access, argument
from .errors import BadSettings, InvalidEvent, NotRecorded, SDKError
from .forwarder import Forwarder
from .kafka import Kafka
from .kafka_outbox import KafkaOutbox
from .outbox import FlushReport, Metrics, Outbox, Outgoing
from .pseudonyms import Pseudonyms
from .recorder import Recorder, Submitted
from .register import Register
from .spool.outbox import SpoolOutbox
from .spool.settings import Spool

__all__ = [
    "Access",
    "AccessEvent",
    "BadSettings",
    "EvidenceRecord",
    "FlushReport",
    "Forwarder",
    "InvalidEvent",
    "Kafka",
    "KafkaOutbox",
    "Metrics",
    "NotRecorded",
    "Outbox",
    "Outgoing",
    "Pseudonyms",
    "Recorder",
    "Register",
    "SDKError",
    "Spool",
    "SpoolOutbox",
    "Submitted",
    "argument",
]

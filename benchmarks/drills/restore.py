"""`make restore-drill`: lose ClickHouse after a backup, restore that, and complete it from Kafka."""

import shutil
import sys
import time
from typing import Any, Final

from benchmarks.drills.load import Load
from benchmarks.drills.reporting import Report, written_to
from benchmarks.drills.stage import Stage, faults_of, stage, until
from earwitness.cli import wiring
from earwitness.devstack import state
from models.evidence import EvidenceRecord
from models.publisher import Message
from models.topics import ACCESS_EVENTS, EVIDENCE_RECORDS
from sinks.clickhouse.backup import back_up, restore
from streams.publisher import KafkaPublisher

SOURCE: Final = "/drills/restore"
RATE: Final = 1_000
BEFORE_S: Final = 15.0
AFTER_S: Final = 15.0
SETTLED_WITHIN_S: Final = 180.0
UNREADABLE: Final = 200

STATE: Final = {
    "rows": "SELECT count() FROM access_log",
    "accesses": "SELECT uniqExact(source, id) FROM access_log",
    "digest of their ids and positions": (
        "SELECT groupBitXor(cityHash64(id, source, topic, partition, offset)) FROM access_log"
    ),
    "dead letters": "SELECT uniqExact(topic, partition, offset) FROM dead_letters",
    "offsets that the ledger covers": (
        "SELECT sum(last_offset - first_offset + 1) FROM range_ledger WHERE topic = 'access.events.v1'"
    ),
    "versions of evidence": "SELECT uniqExact(ref, version) FROM evidence_log",
    "digest of the verdicts in the trail": (
        "SELECT groupBitXor(cityHash64(id, source, verdict, reason, clause, evidence_used)) FROM trail"
    ),
    "justified in the trail": "SELECT countIf(verdict = 'justified') FROM trail",
}
"""What must be the same before ClickHouse is lost and after it is restored and completed."""


def main() -> int:
    """Run the drill and write its report; 1 where anything differs."""
    with stage(workers=2) as running:
        return written_to("restore-drill", _drill(running))


def _drill(running: Stage) -> Report:
    report = Report(
        "Restore drill",
        "ClickHouse is lost after a backup that was made under load; Kafka is kept. The backup is"
        " restored, and workers take what it lacks from Kafka. Before and after must agree.",
    )
    with Load(running.kafka("producer"), SOURCE, RATE) as load:
        _register(running, *(f"ticket:customer-{number}" for number in range(30)))
        _publish_unreadable(running)
        time.sleep(BEFORE_S)
        back_up(running.clickhouse(), "drill")
        _register(running, *(f"ticket:customer-{number}" for number in range(30, 60)))
        _publish_unreadable(running)
        time.sleep(AFTER_S)
    took_s = until(lambda: _is_settled(running, load), "the trail is settled", SETTLED_WITHIN_S)
    time.sleep(10)  # and what late evidence changes is judged again
    before = _state_of(running)
    report.say(f"accesses that Kafka acknowledged: {len(load.acknowledged)}, at {RATE} a second")
    report.say(f"stored {took_s:.1f} s after the last of them")

    running.stop()
    shutil.rmtree(running.layout.clickhouse / "data")
    running.start(workers=0)
    held = restore(running.clickhouse(), "drill")
    report.say(f"the backup held {held.accesses} accesses, {held.evidence_versions} versions of evidence")
    running.stop()
    running.start(workers=2)
    took_s = until(lambda: _state_of(running) == before, "all is as it was", SETTLED_WITHIN_S)
    report.say(f"complete {took_s:.1f} s after the workers were started on the restored trail")
    report.table(("", "before", "after"), [(name, before[name], _state_of(running)[name]) for name in STATE])
    report.faults += faults_of(running, SOURCE, load.acknowledged)
    return report


def _register(running: Stage, *refs: str) -> None:
    publisher = KafkaPublisher(wiring.kafka(state.settings_for(running.data_dir, "register").kafka))
    records = [
        EvidenceRecord.model_validate(
            {
                "ref": ref,
                "kind": "complaint",
                "customer_ids": [ref.removeprefix("ticket:")],
                "valid_from": "2013-02-07T00:00:00Z",
            }
        )
        for ref in refs
    ]
    publisher.publish(
        [
            Message(
                EVIDENCE_RECORDS,
                record.ref.encode(),
                record.model_dump_json(exclude_defaults=True).encode(),
                {},
            )
            for record in records
        ]
    )
    publisher.close()


def _publish_unreadable(running: Stage) -> None:
    publisher = KafkaPublisher(wiring.kafka(state.settings_for(running.data_dir, "producer").kafka))
    publisher.publish([Message(ACCESS_EVENTS, str(n).encode(), b"no JSON", {}) for n in range(UNREADABLE)])
    publisher.close()


def _is_settled(running: Stage, load: Load) -> bool:
    ((rows,),) = running.ask("SELECT count() FROM access_log")
    ((letters,),) = running.ask(STATE["dead letters"])
    return bool(rows >= len(load.acknowledged) and letters >= 2 * UNREADABLE)


def _state_of(running: Stage) -> dict[str, Any]:
    return {name: running.ask(query)[0][0] for name, query in STATE.items()}


if __name__ == "__main__":
    sys.exit(main())

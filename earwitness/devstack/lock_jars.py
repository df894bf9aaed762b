"""For developers: resolve Kafka's jars and write `kafka-jars.lock`. Run after a change of version.

`python -m earwitness.devstack.lock_jars`; needs `jgo`, which the program itself does not.
"""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final

import jgo

from earwitness.devstack.downloads import LOCK_FILE

KAFKA: Final = "org.apache.kafka:kafka_2.13:4.3.1"
LOG4J_BINDING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
"""Kafka's own dependencies lack it, and without it the broker logs nothing."""


def main() -> None:
    """Write the lock file: one entry per jar, sorted, with its size and sha256."""
    # Resolved apart: together, the binding's parent would pin older versions of Kafka's own parts.
    _, binding, _ = LOG4J_BINDING.split(":")
    entries = _resolve(KAFKA)
    entries += [entry for entry in _resolve(LOG4J_BINDING) if entry["artifact"] == binding]
    entries.sort(key=lambda entry: (entry["group"], entry["artifact"]))
    LOCK_FILE.write_text(json.dumps({"jars": entries}, indent=1) + "\n", encoding="utf-8")


def _resolve(endpoint: str) -> list[dict[str, str | int]]:
    environment = jgo.build(endpoint)
    resolved = tomllib.loads((Path(environment.path) / "jgo.lock.toml").read_text(encoding="utf-8"))
    paths = {Path(jar).name: Path(jar) for jar in environment.all_jars}
    return [_entry(dependency, paths) for dependency in resolved["dependencies"]]


def _entry(dependency: dict[str, Any], paths: dict[str, Path]) -> dict[str, str | int]:
    group, artifact, version = (dependency[name] for name in ("groupId", "artifactId", "version"))
    content = paths[f"{artifact}-{version}.jar"].read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != dependency["sha256"]:
        raise ValueError(f"{artifact}: jgo's cache holds another file than it resolved")
    return {
        "group": group,
        "artifact": artifact,
        "version": version,
        "sha256": sha256,
        "bytes": len(content),
    }


if __name__ == "__main__":
    main()

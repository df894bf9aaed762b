"""docker-compose.yml, read once for the tests about it."""

from typing import Any, Final

import yaml

from earwitness.settings import ROOT

Service = dict[str, Any]

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, Service]] = COMPOSE["services"]
OURS: Final = sorted(name for name, service in SERVICES.items() if "build" in service)
"""The services that run this program."""

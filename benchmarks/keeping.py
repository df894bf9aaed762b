"""What every benchmark keeps beside its figures: when, and on what machine."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def keep(where: Path, figures: Mapping[str, object]) -> None:
    """Write figures to a file as JSON, with the instant and the machine."""
    about = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu_count": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
    }
    where.write_text(json.dumps({**about, **figures}, indent=2) + "\n", encoding="utf-8")

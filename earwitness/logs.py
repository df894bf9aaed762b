"""Operational logs: structured, on stderr, never with content. They are not the audit trail."""

import logging
import sys
from typing import Literal

import structlog

QUIET_LIBRARIES = ("aiokafka", "faust", "kafka", "mode", "asyncio")
RECURRING_WARNINGS = ("kafka.net.sasl.scram",)
"""It warns at each connection that the deployment has chosen a network without TLS."""

SILENT_LIBRARIES = ("clickhouse_driver",)
"""They log with a trace what they raise as well; our error says it once."""


def configure(log_format: Literal["console", "json"]) -> None:
    """Write this process's logs to stderr, as lines for a person or as JSON."""
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in RECURRING_WARNINGS:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in SILENT_LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)

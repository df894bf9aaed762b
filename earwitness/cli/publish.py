"""`earwitness publish`: access events from files or a pipe, through the SDK."""

from pathlib import Path
from typing import Literal

import click
from earwitness_sdk import Forwarder

from earwitness.cli import wiring
from earwitness.cli.lines import ANSWERED_WITHIN_S, JSON_LINES, publish_lines, read_lines, report
from earwitness.devstack import state


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=JSON_LINES)
@click.option("--data-dir", type=click.Path(path_type=Path), help="the embedded stack's folder")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="how the result is told")
def publish(files: tuple[str, ...], data_dir: Path | None, output: Literal["text", "json"]) -> None:
    r"""Publish access events, one JSON object a line; say how many were acknowledged.

    A bad line is named by file, number and field; the good ones are published all the same, and the
    exit code is 1. Publishing a file again adds no row: the same source and id is the same access.

    \b
    Examples:
      earwitness publish events.jsonl
      zcat yesterday.jsonl.gz | earwitness publish -
    """
    kafka = state.resolve(data_dir, "producer").kafka
    forwarder = Forwarder(kafka=wiring.sdk_kafka(kafka))
    try:
        published = publish_lines(read_lines(files), forwarder.submit)
    finally:
        forwarder.close(ANSWERED_WITHIN_S)
    report(published, output)

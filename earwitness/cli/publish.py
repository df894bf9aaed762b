"""`earwitness publish`: access events from files or a pipe, through the SDK."""

from pathlib import Path
from typing import Literal

import click
from earwitness_sdk import Forwarder

from earwitness.cli import sdk_wiring
from earwitness.cli.lines import ANSWERED_WITHIN_S, JSON_LINES, publish_lines, read_lines, report
from earwitness.cli.pseudonyms import pseudonym_option, read_pseudonyms
from earwitness.cli.stack_options import data_dir_option
from earwitness.devstack import state


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=JSON_LINES)
@pseudonym_option
@data_dir_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How the result is told.")
def publish(
    files: tuple[str, ...],
    data_dir: Path | None,
    pseudonym_key_file: Path | None,
    output: Literal["text", "json"],
) -> None:
    """Publish access events, one JSON object a line; say how many were acknowledged.

    \b
    Examples:
      earwitness publish events.jsonl
      zcat yesterday.jsonl.gz | earwitness publish -

    A bad line is named by file, number and field; the good ones are published all the same, and the
    exit code is 1. Publishing a file again adds no row: the same source and id is the same access.

    """
    kafka = state.resolve(data_dir, "producer").kafka
    forwarder = Forwarder(kafka=sdk_wiring.kafka(kafka), pseudonymise=read_pseudonyms(pseudonym_key_file))
    try:
        published = publish_lines(read_lines(files), forwarder.submit)
    finally:
        forwarder.close(ANSWERED_WITHIN_S)
    report(published, output)

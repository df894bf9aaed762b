"""docs/registers.md: what it shows is run, on the real stack."""

import os
import re
import shlex
import subprocess
import sys
from typing import Final, get_args

import click
import pytest

from earwitness.cli.registers import registers
from earwitness.registers.config import WebhookSettings
from earwitness.registers.hooks import Settled
from earwitness.registers.mapping import FieldRule, RegisterMapping
from earwitness.settings import ROOT
from tests.conftest import Stack

PAGE: Final = (ROOT / "docs" / "registers.md").read_text(encoding="utf-8")
LONGEST_RUN_S: Final = 120


def shown() -> list[tuple[str, str]]:
    """Each command of the page with what the page says that it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    runs = [run for block in blocks for run in re.split(r"^\$ ", block, flags=re.MULTILINE) if run]
    return [(command, printed) for command, _, printed in (run.partition("\n") for run in runs)]


@pytest.mark.stack
def test_each_command_prints_what_the_page_shows(stack: Stack) -> None:
    """In their order, so that the second load finds what the first one told."""
    assert len(shown()) >= 3
    for command, printed in shown():
        program, *arguments = shlex.split(command)
        assert program == "earwitness"
        done = subprocess.run(
            [sys.executable, "-m", "earwitness.cli.main", *arguments, "--data-dir", str(stack.data_dir)],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_RUN_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, printed), command


def test_the_page_explains_every_key() -> None:
    """Of mappings and of the file of registers."""
    keys = {*RegisterMapping.model_fields, *FieldRule.model_fields, *WebhookSettings.model_fields}
    missing = [key for key in keys - {"source", "fields"} if f"`{key}`" not in PAGE]
    assert missing == []


@pytest.mark.parametrize("name", ["at", "most-percent", "allow-withdrawals", "dry-run", "register"])
def test_the_page_names_the_options_that_it_explains(name: str) -> None:
    """An option that was renamed must not stay on the page."""
    known = {
        option
        for command in registers.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert f"--{name}" in known
    assert f"`--{name}" in PAGE


def test_the_page_lists_every_answer_of_a_webhook() -> None:
    """Whoever sends must know what to do with each."""
    source = (ROOT / "earwitness/api/deliveries.py").read_text(encoding="utf-8")
    codes = set(
        re.findall(r'^ +"([a-z_]+)",$|"result": "([a-z_]+)"|BAD_REQUEST, "([a-z_]+)"', source, re.MULTILINE)
    )
    found = {code for groups in codes for code in groups if code} | set(get_args(Settled))
    assert len(found) >= 8
    assert [code for code in found if f"`{code}`" not in PAGE] == []

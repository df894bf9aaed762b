"""The alert rules: each means something that is measured, and leads to somebody who knows what to do."""

import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from earwitness.metrics import METRICS
from earwitness.settings import ROOT

FOLDER: Final = ROOT / "deploy/prometheus"
RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))
SCRAPES: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not installed (Debian: apt-get install prometheus); it reads the rules for us",
)


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_a_runbook(rule: dict[str, Any]) -> None:
    """Whoever is woken must not have to find out first what this is."""
    runbook = ROOT / rule["annotations"]["runbook"]
    assert rule["alert"] in runbook.read_text(encoding="utf-8")
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_what_is_measured(rule: dict[str, Any]) -> None:
    """A rule on a misspelt metric never fires, and nobody notices."""
    known = {metric.name for metrics in METRICS.values() for metric in metrics}
    assert set(re.findall(r"earwitness_[a-z_]+", rule["expr"])) <= known


def test_every_alert_is_tested() -> None:
    """Both ways: that it rings, and that it does not."""
    asked = [case for test in TESTS["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in asked} == {rule["alert"] for rule in RULES}


def test_the_processes_are_asked_where_they_listen() -> None:
    """The scrape configuration and docker-compose.yml are read by different programs."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    jobs = {job["job_name"]: job for job in SCRAPES["scrape_configs"]}
    (workers,) = jobs["earwitness-worker"]["dns_sd_configs"]
    assert workers["names"] == ["worker"]
    assert str(workers["port"]) == compose["worker"]["environment"]["EARWITNESS_HEALTH__PORT"]
    (reconcile,) = jobs["earwitness-reconcile"]["static_configs"]
    assert reconcile["targets"] == [
        f"reconcile:{compose['reconcile']['environment']['EARWITNESS_HEALTH__PORT']}"
    ]
    (api,) = jobs["earwitness-api"]["static_configs"]
    assert api["targets"] == [f"api:{compose['api']['environment']['EARWITNESS_API__PORT']}"]


@needs_promtool
def test_prometheus_reads_the_rules() -> None:
    """Its own tool says so."""
    assert promtool("check", "rules", "alerts.yml") == ""
    assert promtool("check", "config", "--syntax-only", "prometheus.yml") == ""


@needs_promtool
def test_the_rules_ring_when_they_must() -> None:
    """Series of made-up values, in promtool's own format."""
    assert promtool("test", "rules", "alerts.test.yml") == ""

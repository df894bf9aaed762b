import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from earwitness import settings
from earwitness.api.gate import OPEN_PATHS
from earwitness.cli.main import COMMANDS
from earwitness.devstack.downloads import kafka_version
from earwitness.devstack.users import ROLES, secret_names
from earwitness.settings import ROOT
from tests.deploy.compose import COMPOSE, OURS, SERVICES, Service


def load(service: Service, tmp_path: Path) -> settings.Settings:
    """Read a service's settings as its process would, with the secrets that are mounted for it."""
    environ = service["environment"]
    for secret in service["secrets"]:
        (tmp_path / secret).write_text(f"the password in {secret}\n", encoding="utf-8")
    return settings.load(
        {name: value.replace("/run/secrets", str(tmp_path)) for name, value in environ.items()}
    )


def test_the_file_follows_the_compose_specification() -> None:
    """No engine runs here, so the published schema is what tells a typo from a setting."""
    package = importlib.util.find_spec("check_jsonschema")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0])
    schema = json.loads((folder / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8"))
    faults = [f"{fault.json_path}: {fault.message}" for fault in Draft7Validator(schema).iter_errors(COMPOSE)]
    assert faults == []


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_that_the_program_reads(name: str, tmp_path: Path) -> None:
    """A misspelt variable would leave a default in force, and a default is for a developer's machine."""
    assert load(SERVICES[name], tmp_path)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    """Each of our services is one command of the program."""
    assert SERVICES[name]["command"][0] in COMMANDS


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("worker", "worker"),
        ("reconcile", "worker"),
        ("api", "api"),
        ("provision", "admin"),
        ("migrate", "admin"),
        ("mend-topics", "admin"),
    ],
)
def test_a_service_speaks_as_the_user_of_its_role(name: str, role: str, tmp_path: Path) -> None:
    """The same user as in the embedded stack, and so the same rights, with that user's password."""
    loaded = load(SERVICES[name], tmp_path)
    told = SERVICES[name]["environment"]
    if "EARWITNESS_KAFKA__USERNAME" in told:
        assert loaded.kafka.username == ROLES[role].kafka
        assert loaded.kafka.password.get_secret_value() == f"the password in kafka-{ROLES[role].kafka}"
    if "EARWITNESS_CLICKHOUSE__USERNAME" in told:
        user = ROLES[role].clickhouse
        assert loaded.clickhouse.username == user
        assert loaded.clickhouse.password.get_secret_value() == f"the password in clickhouse-{user}"


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_only_the_secrets_it_names(name: str) -> None:
    """A worker that is broken into must not hold the administrator's password."""
    service = SERVICES[name]
    named = {Path(value).name for key, value in service["environment"].items() if key.endswith("_FILE")}
    assert set(service["secrets"]) == named


def test_the_secrets_are_those_of_the_embedded_stack() -> None:
    """One list of users, whichever way the program is run."""
    beside = {"kafka-cluster-id", "clickhouse-hashes.xml"}
    assert set(COMPOSE["secrets"]) == set(secret_names()) | beside
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == {
        f"./deploy/secrets/{name}" for name in COMPOSE["secrets"]
    }


def test_no_password_stands_in_the_file() -> None:
    """Passwords come by file; a variable shows in `docker inspect` and in every child's environment."""
    variables = [
        (name, key, value)
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|TOKEN", key) and not key.endswith("_FILE")
    ]
    assert variables == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned(name: str) -> None:
    """Tomorrow's deployment is today's."""
    assert re.fullmatch(r"[a-z/-]+:[0-9]+(\.[0-9]+){2,3}", SERVICES[name]["image"])


def test_the_images_of_the_dockerfile_are_pinned() -> None:
    """And its packages are those of the lock file, hashes included."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert images
    assert all(re.fullmatch(r"python:3\.13\.[0-9]+-slim-trixie", image) for image in images)
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001", text, re.MULTILINE)


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    """What is proven on the embedded stack should be what is deployed."""
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_runs_without_privileges(name: str) -> None:
    """Not as root, without capabilities, on a root file system that cannot be written."""
    service = SERVICES[name]
    assert service["user"].startswith("${STACK_UID:?")
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_only_the_api_is_published_and_only_on_this_host() -> None:
    """Kafka and ClickHouse are reached from inside alone."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8321:8321"]}
    outside = {name for name, service in SERVICES.items() if "edge" in service["networks"]}
    assert outside == {"api"}
    assert all(COMPOSE["networks"][name]["internal"] for name in ("stack", "producers"))


@pytest.mark.parametrize("name", ["kafka", "clickhouse", "worker", "reconcile", "api"])
def test_a_service_that_stays_has_a_health_check_and_bounds(name: str) -> None:
    """A hang counts as a failure, and no service may take the host's whole memory or disk."""
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["mem_limit"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]


def test_health_is_asked_where_it_is_told() -> None:
    """A check that looks in the wrong place restarts a healthy service, or trusts a sick one."""
    asked = {name: SERVICES[name]["healthcheck"]["test"][-1] for name in ("api", "worker", "reconcile")}
    urls = {
        name: re.search(r"http://127\.0\.0\.1:([0-9]+)(/[^']+)", command) for name, command in asked.items()
    }
    told = {name: SERVICES[name]["environment"] for name in asked}
    ports = {
        "api": told["api"]["EARWITNESS_API__PORT"],
        "worker": told["worker"]["EARWITNESS_HEALTH__PORT"],
        "reconcile": told["reconcile"]["EARWITNESS_HEALTH__PORT"],
    }
    assert {name: url and url.groups() for name, url in urls.items()} == {
        name: (port, "/readyz") for name, port in ports.items()
    }
    assert "/readyz" in OPEN_PATHS


def test_data_lives_in_volumes() -> None:
    """A container is thrown away at every change; the trail is not."""
    mounted = {name: SERVICES[name]["volumes"][0] for name in ("kafka", "clickhouse")}
    assert mounted == {
        "kafka": "kafka-data:/var/lib/kafka/data",
        "clickhouse": "clickhouse-data:/var/lib/clickhouse",
    }
    assert set(COMPOSE["volumes"]) == {"kafka-data", "clickhouse-data"}


def test_nothing_judges_or_answers_before_topics_and_tables_are_there() -> None:
    """Faust ignores a topic that is missing when it starts."""
    for name in ("worker", "reconcile", "api"):
        conditions = {what: how["condition"] for what, how in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "kafka": "service_healthy",
            "clickhouse": "service_healthy",
            "provision": "service_completed_successfully",
            "migrate": "service_completed_successfully",
        }


def _mounts(value: Any) -> list[str]:
    return [mount.split(":")[0] for mount in value if mount.startswith("./")]


def test_every_file_that_is_mounted_exists() -> None:
    """Docker makes an empty folder of one that does not."""
    mounts = [path for service in SERVICES.values() for path in _mounts(service.get("volumes", []))]
    assert mounts
    assert [path for path in mounts if not (ROOT / path).exists()] == []


def test_no_variable_is_substituted_but_the_ids_of_the_user() -> None:
    """Whatever else a shell happens to hold does not change a deployment."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == {"STACK_UID", "STACK_GID"}
    assert yaml.safe_load(text) == COMPOSE

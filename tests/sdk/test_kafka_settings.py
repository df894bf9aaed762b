from pathlib import Path
from typing import Any

import pytest
from earwitness_sdk import BadSettings, Kafka

WHOLE = {
    "EARWITNESS_KAFKA__BOOTSTRAP": "one:9092, two:9092",
    "EARWITNESS_KAFKA__USERNAME": "producer",
    "EARWITNESS_KAFKA__PASSWORD": "secret",
}


def test_the_password_shows_nowhere() -> None:
    """Tracebacks and logs show objects."""
    assert "secret" not in repr(Kafka(bootstrap="b:1", username="producer", password="secret"))


def test_the_environment_says_where_kafka_is() -> None:
    """With the names that the application itself uses."""
    arguments = Kafka.from_environment(WHOLE).arguments()
    assert arguments == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "producer",
        "sasl_plain_password": "secret",
    }


def test_a_password_can_lie_in_a_file(tmp_path: Path) -> None:
    """As secrets are mounted into containers."""
    (tmp_path / "password").write_text("from the file\n", encoding="utf-8")
    environ = WHOLE | {"EARWITNESS_KAFKA__PASSWORD_FILE": str(tmp_path / "password")}
    assert Kafka.from_environment(environ).password == "from the file"
    environ["EARWITNESS_KAFKA__PASSWORD_FILE"] = str(tmp_path / "missing")
    with pytest.raises(BadSettings, match=r"PASSWORD_FILE: .*missing cannot be read"):
        Kafka.from_environment(environ)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"bootstrap": " "}, "kafka.bootstrap"),
        ({"security_protocol": "SSH"}, "kafka.security_protocol"),
        ({"sasl_mechanism": "MD5"}, "kafka.sasl_mechanism"),
        ({"username": None}, "kafka.username"),
        ({"password": ""}, "kafka.password"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changed: dict[str, Any], named: str) -> None:
    """Before the first access, not after ten seconds of trying."""
    sound: dict[str, Any] = {"bootstrap": "b:1", "username": "producer", "password": "secret"}
    with pytest.raises(BadSettings, match=named):
        Kafka(**(sound | changed))


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """By its file."""
    kafka = Kafka(
        bootstrap="b:1",
        username="producer",
        password="secret",
        security_protocol="SASL_SSL",
        ca_file=str(tmp_path / "ca.pem"),
    )
    with pytest.raises(BadSettings, match=r"ca\.pem cannot be used"):
        kafka.arguments()

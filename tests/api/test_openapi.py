"""The OpenAPI document: what it says, and that the API answers as it says."""

from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from earwitness.api.openapi import DOCUMENT_PATH
from earwitness.cli.client import ApiClient
from tests.api.fuzzing import CHANGES_THE_WATCH, fuzz
from tests.api.serving import NOTHING, CannedStore, Kept, client_of
from tests.api.world import World
from tests.conftest import Stack

OPEN = {"healthz", "deliver_webhook"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with client_of(CannedStore(NOTHING), Kept()) as client:
        found: dict[str, Any] = client.get(DOCUMENT_PATH).json()
    return found


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for ways in document["paths"].values() for each in ways.values()]


def test_the_document_is_behind_the_token() -> None:
    """It tells which questions can be asked, which nobody without a token needs to know."""
    with client_of(CannedStore(NOTHING), Kept(), token=None) as client:
        assert client.get(DOCUMENT_PATH).status_code == 401


def test_each_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    """Generated clients call them by these names."""
    names = [each["operationId"] for each in operations(document)]
    assert len(set(names)) == len(names)
    for each in operations(document):
        assert each["summary"], each
        assert each["summary"] != each["operationId"], each


def test_each_operation_documents_the_one_shape_of_an_error(document: dict[str, Any]) -> None:
    """And no other: FastAPI's own would be a second one."""
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for each in operations(document):
        for status in ("400", "401", "413", "422", "503"):
            shape = each["responses"][status]["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/Error"}


def test_each_operation_says_what_it_answers_and_whether_it_wants_the_token(document: dict[str, Any]) -> None:
    """An answer without a shape would be no promise."""
    for each in operations(document):
        if each["operationId"] == "export":  # a file, of a type for each format
            continue
        answered = next(status for status in ("200", "201") if status in each["responses"])
        shape = each["responses"][answered]["content"]["application/json"]["schema"]
        assert "$ref" in shape, each["operationId"]
        wants = [] if each["operationId"] in OPEN else [{"token": []}]
        assert each["security"] == wants, each["operationId"]


@pytest.mark.stack
def test_answers_about_real_accesses_are_as_documented(
    api: ApiClient, world: World, document: dict[str, Any]
) -> None:
    """Schemathesis makes names up and finds little; these find something."""
    accesses = ("accesses", world.unengaged["id"])
    asked: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
        ("Found", ("search",), {"q": f"customer:{world.customer_id}"}),
        ("Facets", ("search", "facets"), {"q": f"customer:{world.customer_id}", "fields": "verdict,clause"}),
        ("Histogram", ("search", "histogram"), {"q": f"customer:{world.customer_id}"}),
        ("Accesses", accesses, {}),
        ("Explanations", (*accesses, "explanation"), {}),
        ("Report", ("reports", "customer", world.customer_id), {"with_actors": "true"}),
        ("Page", ("pages", "customer", world.customer_id), {}),
        ("EvidencePage", ("evidence",), {}),
        ("EvidenceHistory", ("evidence", world.contract), {}),
        ("Letters", ("dead-letters",), {}),
        ("Registers", ("registers",), {}),
        ("Tokens", ("tokens",), {}),
        ("Activity", ("activity",), {}),
    ]
    for shape, path, parameters in asked:
        schema = {"$ref": f"#/components/schemas/{shape}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(api.get(*path, **parameters))


@pytest.mark.stack
def test_schemathesis_finds_nothing(stack: Stack, world: World, tmp_path: Path) -> None:
    """No made-up request gets an answer that the document does not know, or a fault of ours."""
    left_out = [part for name in CHANGES_THE_WATCH for part in ("--exclude-operation-id", name)]
    brief = ("--max-examples", "2", "--phases", "examples,coverage,fuzzing", "--generation-deterministic")
    ran = fuzz(stack, tmp_path, *brief, *left_out)
    assert ran.returncode == 0, ran.stdout[-8_000:] + ran.stderr[-2_000:]


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/v1/searches/a", "DELETE, GET, PUT"), ("/api/v1/search", "GET"), ("/api/v1/sql", "POST")],
)
def test_another_method_is_told_all_that_there_are(path: str, methods: str) -> None:
    """A path has several routes, and each by itself would name its own method alone."""
    with client_of(CannedStore(NOTHING), Kept()) as client:
        answer: httpx.Response = client.request("PATCH", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)

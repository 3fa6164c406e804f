"""The directory's description of itself."""

from typing import Any

import pytest

from services.common.web import create_app
from services.routing import api
from services.routing.access import Pools
from services.routing.settings import Limits


async def _fine() -> str | None:
    return None


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    app = create_app("routing", token_secret="x" * 40, live=_fine, ready=[])
    limits = Limits(import_lines=1, import_json=1, search_seconds=1, deposit_page="https://test/deposer")
    unused: Any = None  # describing asks nothing of the database
    api.add_routes(app, Pools(write=unused, read=unused), unused, limits)
    return app.openapi()


def _operations(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_summed_up_in_french_and_says_how_it_refuses(description: dict[str, Any]) -> None:
    operations = _operations(description)
    assert len(operations) >= 11
    for name, operation in operations:
        assert operation["summary"], name
        refusals = {status: answer for status, answer in operation["responses"].items() if status[0] in "45"}
        assert refusals, name
        for answer in refusals.values():
            assert list(answer["content"]) == ["application/problem+json"], name
            assert answer["content"]["application/problem+json"]["example"]["code"], name


def test_every_path_parameter_and_the_import_have_examples(description: dict[str, Any]) -> None:
    for name, operation in _operations(description):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" and "enum" not in parameter["schema"] and parameter["name"] != "invoice":
                assert parameter.get("examples") or parameter["schema"].get("examples"), (name, parameter["name"])
    content = description["paths"]["/api/v1/directory/import"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"]["structures"]
    assert content["text/csv"]["example"].startswith("entree;")

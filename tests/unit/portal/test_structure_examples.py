"""The examples of structures and memberships are answers that the API could give."""

from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from services.common.blobs import Blobs
from services.portal import structure_parts
from services.portal.parts import Parts
from services.portal.structure_examples import EXAMPLES


class _Anything:
    """Stands for what a route would use when it is asked."""

    def __getattr__(self, name: str) -> Any:
        return _Anything()


def models() -> dict[str, Any]:
    """The model of each route's answer."""
    app = FastAPI()
    structure_parts.add_routes(app, cast(Parts, _Anything()), cast(Blobs, _Anything()))
    found: dict[str, Any] = {}
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            found[f"{method} {context.path_format}"] = getattr(context, "response_model", None)
    return found


MODELS = models()


def test_every_example_has_its_route() -> None:
    assert EXAMPLES.keys() <= MODELS.keys()


@pytest.mark.parametrize("route", sorted(EXAMPLES))
def test_an_example_is_an_answer(route: str) -> None:
    model: TypeAdapter[Any] = TypeAdapter(MODELS[route])
    found = model.validate_python(EXAMPLES[route])
    assert model.dump_python(found, mode="json") == EXAMPLES[route]

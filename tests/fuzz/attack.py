"""Requests made from a service's own OpenAPI description, the allowed and the forbidden, sent to every operation."""

from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok

#: Sends one generated case to an operation and raises on a wrong answer.
Send = Callable[[Any, Any, Mapping[str, str]], None]


def attack(description: str, token: str, send: Send, *, examples: int, but: Set[str] = frozenset()) -> dict[str, int]:
    """How many requests each operation of a description got. ``but``: operations left out, as ``GET /path``."""
    schema = schemathesis.openapi.from_url(description)
    headers = {"Authorization": f"Bearer {token}", "X-Chorale-Reason": "Un essai de la plateforme"}
    asked: dict[str, int] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.label not in but:
            modes = schemathesis.GenerationMode
            asked[operation.label] = sum(_sent(operation, mode, headers, send, examples) for mode in modes)
    return asked


def _sent(
    operation: Any, mode: schemathesis.GenerationMode, headers: Mapping[str, str], send: Send, examples: int
) -> int:
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        nonlocal count
        count += 1
        send(operation, case, headers)

    with suppress(Unsatisfiable):  # an operation without parameters has nothing that could be wrong
        each()
    return count

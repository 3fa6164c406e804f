"""The other services: what their metrics say, and requests passed on with the token of whoever asks."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec
from fastapi import Request
from prometheus_client.parser import text_string_to_metric_families

from services.common.web import Problem

_SECONDS: Final = 3.0
#: A decision about thousands of letters takes its time; who decides waits for it.
_DECISION_SECONDS: Final = 20.0
_PASSED_ON: Final = ("authorization", "x-chorale-reason", "accept-language")
Labelled = dict[tuple[str, ...], float]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's metrics say.

    ``dead`` counts open dead letters by reason; ``invoices``, ``risk`` and ``interest`` are status's.
    """

    away: bool = False
    outbox: int = 0
    outbox_seconds: float = 0.0
    waiting: int = 0
    waiting_seconds: float = 0.0
    dead: dict[str, int] = {}
    stopped: bool = False
    invoices: dict[str, int] = {}
    risk: dict[str, int] = {}
    interest: dict[str, float] = {}


class Neighbours:
    """Requests to the services' own addresses; nobody who asks can name another."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = {name: url for name, url in urls.items() if name != "supervision"}
        self._client = httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def look(self) -> dict[str, Seen]:
        """Every service's metrics, asked for at once."""
        found = await asyncio.gather(*(self._seen(url) for url in self.urls.values()))
        return dict(zip(self.urls, found, strict=True))

    async def _seen(self, url: str) -> Seen:
        try:
            answer = await self._client.get(f"{url}/metrics")
            answer.raise_for_status()
            return read_metrics(answer.text)
        except (httpx.HTTPError, ValueError):
            return Seen(away=True)

    async def ask(
        self, request: Request, service: str, method: str, path: str, *, params: Any = None, json: Any = None
    ) -> Any:
        """What a service answers to this caller. Raises its own problem, or ``SERVICE_AWAY``."""
        if service not in self.urls:
            raise Problem(404, "SERVICE_UNKNOWN", "Service inconnu", f"Services : {', '.join(self.urls)}.")
        # As they came: what is no ASCII stays the bytes that it was.
        passed = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers = {name.encode(): value.encode("latin-1") for name, value in passed.items()}
        headers[b"traceparent"] = request.state.traceparent.encode()
        try:
            answer = await self._client.request(
                method,
                f"{self.urls[service]}{path}",
                params=params,
                json=json,
                headers=headers,
                timeout=_SECONDS if method == "GET" else _DECISION_SECONDS,
            )
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Problem(
                503,
                "SERVICE_AWAY",
                "Service absent",
                f"Le service {service} ne répond pas : réessayez dans quelques instants."
                + ("" if method == "GET" else " Ce qui serait déjà fait ne se refait pas."),
                headers={"Retry-After": "2"},
            ) from error
        if answer.is_error:
            raise _problem(answer.status_code, found)
        return found


def _problem(status: int, found: Any) -> Problem:
    """The service's own words."""
    given = found if isinstance(found, dict) else {}
    return Problem(
        status,
        str(given.get("code", "HTTP_ERROR")),
        str(given.get("title", "Demande refusée")),
        str(given.get("detail", "La demande ne peut pas être traitée.")),
        errors=given.get("errors", ()),
    )


def read_metrics(text: str) -> Seen:
    """The gauges that supervision shows, out of a service's metrics. Raises ValueError."""
    found: dict[str, Labelled] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return Seen(
        outbox=int(_one(found, "chorale_outbox_unsent")),
        outbox_seconds=_one(found, "chorale_outbox_oldest_seconds"),
        waiting=int(_one(found, "chorale_waiting_events")),
        waiting_seconds=_one(found, "chorale_waiting_oldest_seconds"),
        dead=_by(found, "chorale_dead_letters_open"),
        stopped=_one(found, "chorale_consuming_stopped") > 0,
        invoices=_by(found, "chorale_status_invoices"),
        risk=_by(found, "chorale_status_delay_invoices"),
        interest={labels[0]: value for labels, value in found.get("chorale_status_interest_euros", {}).items()},
    )


def _one(found: Mapping[str, Labelled], name: str) -> float:
    return found.get(name, {}).get((), 0.0)


def _by(found: Mapping[str, Labelled], name: str) -> dict[str, int]:
    return {labels[0]: int(value) for labels, value in found.get(name, {}).items() if value}

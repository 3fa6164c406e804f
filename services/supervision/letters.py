"""Dead letters of every service through supervision: each service's own desk decides and does."""

import asyncio
import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from contracts.registry import ServiceName
from services.common.looks import MayLook
from services.common.web import Problem
from services.supervision.access import Reached, Settles, Tenant
from services.supervision.neighbours import Neighbours
from services.supervision.views import (
    Decision,
    Letter,
    LetterContent,
    LetterDetail,
    LetterList,
    LetterReason,
    LetterReasons,
    Settled,
)

Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_PLAIN: Final = r"^[^\x00]*$"
Reason = Annotated[str | None, Query(max_length=200, pattern=_PLAIN)]
_LAST: Final = 2**63 - 1


class BulkDecision(Decision):
    """The same for every letter with this reason, or of this key; ``tenant``: of those that are his."""

    action: Literal["replay", "drop"]
    reason: str | None = Field(default=None, max_length=200, pattern=_PLAIN)
    key: str | None = Field(default=None, max_length=600, pattern=_PLAIN)
    tenant: str | None = Field(default=None, max_length=64, pattern=r"^[\w.-]+$")


class Place(NamedTuple):
    """Where a page ended; letters are in this order."""

    parked_at: datetime
    service: str
    letter: int


def add_routes(router: APIRouter, neighbours: Neighbours) -> None:
    """List, show, replay, drop: the operator's, and of their tenants the administrators'."""
    _add_lists(router, neighbours)
    _add_one(router, neighbours)
    _add_decisions(router, neighbours)


def _add_lists(router: APIRouter, neighbours: Neighbours) -> None:
    @router.get("/dead-letters", summary="Lettres mortes de tous les services, les plus anciennes d'abord")
    async def listed(
        request: Request,
        _: Reached,
        tenant: Tenant = None,
        service: ServiceName | None = None,
        reason: Reason = None,
        key: Annotated[str | None, Query(max_length=600, pattern=_PLAIN)] = None,
        settled: Annotated[bool, Query(description="Celles qui sont réglées aussi")] = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="« next » de la page précédente")] = None,
    ) -> LetterList:
        names = [service] if service else list(neighbours.urls)
        given = {"reason": reason, "key": key, "tenant": tenant}
        params = {"settled": settled, "limit": limit + 1, **{name: value for name, value in given.items() if value}}
        place = _read(cursor) if cursor is not None else None
        each = [{**params, **(_beyond(place, name) if place else {})} for name in names]
        found, away = await _of_all(request, neighbours, names, "", each)
        letters = sorted((Letter(**one) for one in found), key=_place)
        following = _write(_place(letters[limit - 1])) if len(letters) > limit else None
        return LetterList(letters=letters[:limit], away=away, next=following)

    @router.get("/dead-letters/reasons", summary="Combien de lettres mortes, par service et motif")
    async def by_reason(
        request: Request, _: Reached, tenant: Tenant = None, service: ServiceName | None = None
    ) -> LetterReasons:
        names = [service] if service else list(neighbours.urls)
        return await reasons(request, neighbours, names, {"tenant": tenant} if tenant else {})


def _add_one(router: APIRouter, neighbours: Neighbours) -> None:
    @router.get("/dead-letters/{service}/{letter}", summary="Une lettre morte, avec ce qui en a été décidé")
    async def shown(request: Request, _: Reached, service: ServiceName, letter: Number) -> LetterDetail:
        return LetterDetail(**await neighbours.ask(request, service, "GET", f"{_path(service)}/{letter}"))

    @router.get(
        "/dead-letters/{service}/{letter}/content",
        summary="Son contenu, qui porte des données personnelles ; l'exploitant dit pourquoi il le lit",
    )
    async def content(
        request: Request, _: Reached, _looking: MayLook, service: ServiceName, letter: Number
    ) -> LetterContent:
        return LetterContent(**await neighbours.ask(request, service, "GET", f"{_path(service)}/{letter}/content"))


def _add_decisions(router: APIRouter, neighbours: Neighbours) -> None:
    async def settle(request: Request, service: str, order: dict[str, Any]) -> Settled:
        return Settled(**await neighbours.ask(request, service, "POST", _path(service), json=order))

    @router.post("/dead-letters/{service}/{letter}/replay", summary="Rejouer une lettre morte et la suite de sa clé")
    async def replay(request: Request, _: Settles, service: ServiceName, letter: Number, decision: Decision) -> Settled:
        return await settle(request, service, {"action": "replay", "ids": [letter], **decision.model_dump()})

    @router.post("/dead-letters/{service}/{letter}/drop", summary="Abandonner une lettre morte")
    async def drop(request: Request, _: Settles, service: ServiceName, letter: Number, decision: Decision) -> Settled:
        return await settle(request, service, {"action": "drop", "ids": [letter], **decision.model_dump()})

    @router.post("/dead-letters/{service}", summary="Rejouer ou abandonner toutes celles d'un motif ou d'une clé")
    async def bulk(request: Request, _: Settles, service: ServiceName, decision: BulkDecision) -> Settled:
        return await settle(request, service, decision.model_dump())


async def reasons(
    request: Request, neighbours: Neighbours, names: Sequence[str], params: dict[str, Any]
) -> LetterReasons:
    """Open dead letters by reason, the most frequent first."""
    found, away = await _of_all(request, neighbours, names, "/reasons", [params] * len(names))
    return LetterReasons(reasons=sorted_reasons(LetterReason(**one) for one in found), away=away)


def sorted_reasons(found: Iterable[LetterReason]) -> list[LetterReason]:
    """The most frequent first."""
    return sorted(found, key=lambda one: (-one.count, one.service, one.reason))


async def _of_all(
    request: Request, neighbours: Neighbours, names: Sequence[str], path: str, params: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """What the services answer, and those that do not."""
    answers = await asyncio.gather(
        *(
            neighbours.ask(request, name, "GET", f"{_path(name)}{path}", params=asked)
            for name, asked in zip(names, params, strict=True)
        ),
        return_exceptions=True,
    )
    found: list[dict[str, Any]] = []
    away: list[str] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Problem) and answer.status >= 500:
            away.append(name)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += answer
    return found, away


def _path(service: str) -> str:
    return f"/internal/{service}/dead-letters"


def _place(letter: Letter) -> Place:
    return Place(letter.parked_at, letter.service, letter.id)


def _beyond(place: Place, service: str) -> dict[str, Any]:
    """What of a service comes after a place: letters parked at one instant are in the order of service and number."""
    number = place.letter if service == place.service else _LAST if service < place.service else 0
    return {"after": place.parked_at.isoformat(), "after_id": number}


def _write(place: Place) -> str:
    text = f"{place.parked_at.isoformat()} {place.service} {place.letter}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> Place:
    """The reverse. Raises a problem for anything else."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        at, service, number = text.split(" ")
        place = Place(datetime.fromisoformat(at), service, int(number))
        if place.parked_at.tzinfo is None or not 0 < place.letter <= _LAST:
            raise ValueError("place")
        return place
    except (ValueError, binascii.Error) as error:
        raise Problem(
            400,
            "CURSOR_INVALID",
            "Curseur illisible",
            "Reprenez la valeur « next » de la page précédente, sans la modifier.",
            errors=[{"field": "cursor", "value": cursor[:40], "rule": "next"}],
        ) from error

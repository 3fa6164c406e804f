"""Managers to notify, named in a directory file: taken out of it and handed to notify, which alone keeps addresses.

They are neither in the directory, nor in its history, on its topic or in its export.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import httpx
import msgspec

from services.common import telemetry
from services.routing.columns import unshield
from services.routing.sources import MANAGER, Line, LineError

_PATH = "/api/v1/messages/managers"
#: In one request, which is far below what notify takes of JSON (:mod:`services.common.bodies`).
_AT_ONCE = 1_000
_TRIES = 3
_SECONDS = 30.0


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many structures the managers named are of, and what changes there. Whoever is not named any more goes."""

    structures: int = 0
    managers: int = 0
    added: int = 0
    removed: int = 0

    def plus(self, other: Self) -> "Counts":
        """Both together."""
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class ManagersRefused(Exception):
    """notify refuses these lines; nothing is changed anywhere."""

    def __init__(self, errors: Sequence[LineError]) -> None:
        super().__init__(f"{len(errors)} lines")
        self.errors = list(errors)


class ManagersAway(Exception):
    """notify does not answer, or not as it should."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    siret: str
    email: str
    name: str = ""
    service_code: str | None = None
    entree: str = MANAGER


class Managers:
    """The managers of one import. ``token`` is that of whoever imports: notify grants what it may."""

    def __init__(self, url: str, authorization: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url.rstrip("/") + _PATH
        self._authorization = authorization
        self._transport = transport
        self._rows: list[tuple[Line, _Row]] = []
        self._wrong: list[LineError] = []

    def __bool__(self) -> bool:
        return bool(self._rows or self._wrong)

    def divert(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines of the directory; those of managers are kept here."""
        for line in lines:
            if line.kind != MANAGER or line.error is not None:
                yield line
            elif (row := self._read(line)) is not None:
                self._rows.append((line, row))

    def _read(self, line: Line) -> _Row | None:
        try:
            if line.cells is not None:
                cells = {name: unshield(cell).strip() for name, cell in line.cells.items()}
                return _Row(
                    siret=cells.get("siret", ""),
                    email=cells.get("courriel", ""),
                    name=cells.get("nom", ""),
                    service_code=cells.get("code") or None,
                )
            return msgspec.json.decode(line.raw or b"", type=_Row)
        except msgspec.MsgspecError:
            message = "Un gestionnaire a les champs siret, email, name et, au besoin, service_code."
            self._wrong.append(line.bad(MANAGER, "MANAGER_INVALID", message).error)
            return None

    async def check(self) -> Counts:
        """What notify would change. Raises :class:`ManagersRefused`, :class:`ManagersAway`."""
        if self._wrong:
            raise ManagersRefused(self._wrong)
        return await self._all(dry_run=True)

    async def put(self) -> Counts:
        """Hand them over. Doing it again changes nothing. Raises :class:`ManagersRefused`, :class:`ManagersAway`."""
        return await self._all(dry_run=False)

    async def _all(self, *, dry_run: bool) -> Counts:
        found = Counts()
        async with httpx.AsyncClient(transport=self._transport, timeout=_SECONDS) as client:
            for chunk in self._chunks():
                found = found.plus(await self._send(client, chunk, dry_run))
        return found

    def _chunks(self) -> Iterator[list[tuple[Line, _Row]]]:
        """The rows in requests: those of one structure together, since a request replaces all of a structure's."""
        chunk: list[tuple[Line, _Row]] = []
        by_structure: dict[str, list[tuple[Line, _Row]]] = {}
        for pair in self._rows:
            by_structure.setdefault("".join(pair[1].siret.split()), []).append(pair)
        for rows in by_structure.values():
            if chunk and len(chunk) + len(rows) > _AT_ONCE:
                yield chunk
                chunk = []
            chunk += rows
        if chunk:
            yield chunk

    async def _send(self, client: httpx.AsyncClient, chunk: Sequence[tuple[Line, _Row]], dry_run: bool) -> Counts:
        body = {
            "managers": [{n: getattr(row, n) for n in ("siret", "service_code", "name", "email")} for _, row in chunk]
        }
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await client.put(
                    self._url,
                    params={"dry_run": "true" if dry_run else "false"},
                    headers={"Authorization": self._authorization},
                    json=body,
                )
            except httpx.HTTPError as error:
                telemetry.logger().warning("managers.away", attempt=attempt, error=type(error).__name__)
            else:
                if answer.status_code == 200:
                    return msgspec.json.decode(answer.content, type=Counts)
                if answer.status_code in (403, 422):
                    raise ManagersRefused(_errors(answer, chunk))
                telemetry.logger().warning("managers.away", attempt=attempt, status=answer.status_code)
            if attempt < _TRIES:
                await asyncio.sleep(0.5 * attempt)
        raise ManagersAway


def _errors(answer: httpx.Response, chunk: Sequence[tuple[Line, _Row]]) -> list[LineError]:
    """notify's problem, line by line."""
    problem: dict[str, Any] = answer.json()
    found = []
    for error in problem.get("errors", ()):
        place = str(error.get("field", "")).split(".")  # managers.<index>.<field>
        known = len(place) == 3 and place[1].isdecimal() and int(place[1]) < len(chunk)
        line = chunk[int(place[1])][0] if known else None
        found.append(
            LineError(
                file=line.file if line else "",
                line=line.number if line else 0,
                field=place[-1],
                value=error.get("value"),
                rule=str(error.get("rule", problem.get("code", "MANAGERS"))),
                message=str(error.get("message", problem.get("detail", ""))),
                action=str(error.get("action", "Corrigez la ligne et renvoyez le fichier entier.")),
            )
        )
    whole = LineError(line=0, field=MANAGER, rule=str(problem.get("code")), message=str(problem.get("detail")))
    return found or [whole]

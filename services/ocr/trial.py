"""``/internal/ocr/trial``: a document read for somebody without an account. Nothing of it is kept, nothing is told.

The portal asks, under a role that nobody else holds; the gateway does not lead here. One is read at a time and few may
wait, so that trials never stand in the way of deposits.
"""

import asyncio
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response

from services.common import bodies
from services.common.auth import CurrentPrincipal, require_role
from services.common.failures import Transient
from services.common.usage import ASKER
from services.common.web import Problem
from services.ocr.pool import ReaderPool, ReaderUnavailable

MAX_BYTES: Final = 10_000_000
_WAITING: Final = 6
_encode = msgspec.json.Encoder(decimal_format="string").encode


def add_routes(app: FastAPI, readers: ReaderPool) -> None:
    """Add the route."""
    turns = asyncio.Semaphore(1)
    waiting = 0

    @app.post("/internal/ocr/trial", include_in_schema=False)
    @bodies.takes(bodies.FILES)
    async def trial(request: Request, principal: CurrentPrincipal) -> Response:
        nonlocal waiting
        require_role(principal, ASKER)
        document = await _document(request)
        if waiting >= _WAITING:
            raise _busy()
        waiting += 1
        try:
            async with turns:
                whole = await readers.read(document)
        except ReaderUnavailable as error:
            raise Transient("no process to read") from error
        finally:
            waiting -= 1
        return Response(_encode(whole), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _document(request: Request) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_BYTES:
            raise Problem(
                413,
                "FILE_TOO_LARGE",
                "Fichier trop lourd",
                f"Pour un essai, {MAX_BYTES // 1_000_000} Mo au plus sont acceptés.",
            )
    return bytes(found)


def _busy() -> Problem:
    return Problem(
        503,
        "TRIALS_BUSY",
        "Trop d'essais à la fois",
        "D'autres essais sont en cours : réessayez dans quelques secondes.",
        headers={"Retry-After": "5"},
    )

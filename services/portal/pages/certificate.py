"""``/certificats/verifier``: whether a certificate of deposit is genuine, and whether a document is the one it names.

Nobody signs in for that. The document never leaves this process, nor is it ever whole in memory: only its hash is
compared.
"""

import asyncio
import hashlib
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages.deposit_stream import Part, guarded
from services.portal.pages.forms import Form
from services.portal.pages.page import Page, Visit
from services.portal.pages.problems import Problem, Shown
from services.portal.pages.unsigned import Few, within

_VERIFY: Final = "/api/v1/certificates/verify/file"
#: A certificate is a page; a document what a deposit may weigh.
_CERTIFICATE: Final = 2_000_000
_DOCUMENT: Final = 40_000_000
#: At once, and within how many seconds each of the two has to come.
_AT_ONCE: Final = 20
_CERTIFICATE_SECONDS: Final = 60.0
_DOCUMENT_SECONDS: Final = 300.0
#: Hashed at once, aside.
_HASHED: Final = 1_000_000
_BUSY: Final = Problem(status=503, code="CHECKS_BUSY", wait=10)


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    few = Few(_AT_ONCE, lambda limits, connection, request: limits.network(connection, request, times=2), _BUSY)

    @router.get("/certificats/verifier")
    async def ask(page: Visit) -> Response:
        return page.render("certificate/verify.html", form=Form(), verdict=None, named=None)

    @router.post("/certificats/verifier")
    @bodies.takes(bodies.FILES)
    async def verify(page: Visit) -> Response:
        async with few.turn(page):
            return await _verified(page)


async def _verified(page: Page) -> Response:
    form, given, digest = Form(), b"", None
    async with guarded(page) as parts:
        async for part in parts:
            if part.name == "certificate" and part.file_name:
                async with within(_CERTIFICATE_SECONDS):
                    given = await part.whole(_CERTIFICATE)
            elif part.name == "document" and part.file_name:
                async with within(_DOCUMENT_SECONDS):
                    digest = await _digest(part)
    if not given:
        form.wrong("certificate", page.t("certificate.missing"))
        return _answer(page, form, None, None)
    kind = {"Content-Type": "application/octet-stream"}
    answer = await page.call.ask("POST", "ingest", _VERIFY, content=given, headers=kind)
    if not form.take(answer.problem):
        return _answer(page, form, None, None)
    return _answer(page, form, answer.data, digest)


async def _digest(part: Part) -> str:
    found, size, waiting = hashlib.sha256(), 0, bytearray()
    async for chunk in part.chunks():
        size += len(chunk)
        if size > _DOCUMENT:
            raise Shown(Problem(status=413, code="FORM_TOO_LARGE"))
        waiting += chunk
        if len(waiting) >= _HASHED:
            await asyncio.to_thread(found.update, bytes(waiting))
            waiting.clear()
    found.update(waiting)
    return found.hexdigest()


def _answer(page: Page, form: Form, verdict: dict[str, Any] | None, digest: str | None) -> Response:
    named: dict[str, Any] | None = None
    if verdict is not None and verdict["valid"] and digest is not None:
        files = verdict["certificate"]["files"]
        named = next((each for each in files if each["sha256"] == digest), {})
    status = 200 if form.valid else 422
    return page.render("certificate/verify.html", status=status, form=form, verdict=verdict, named=named)

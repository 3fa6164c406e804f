"""``/factures/travaux/dossiers/{file}``: the pieces of a works file, what is expected next, and its draft."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import invoices_names, works_next
from services.portal.pages.draft import path_of
from services.portal.pages.draft_view import DRAFTS
from services.portal.pages.forms import Form
from services.portal.pages.invoices import API
from services.portal.pages.invoices_spaces import BY_KEY, open_to, tone
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown

_PATH: Final = "/factures/travaux/dossiers/{file}"
#: Pieces of a file that are still open and of which the parties are asked.
_OPEN: Final = 20


def add_routes(router: APIRouter) -> None:
    """Serve them."""

    @router.get(_PATH)
    async def one(page: Own, file: UUID) -> Response:
        open_to(page, BY_KEY["works"])
        return await _file(page, file, Form())

    @router.post(f"{_PATH}/suite")
    async def follow(page: Own, file: UUID) -> Response:
        """Begin the draft of the next piece, linked to the one before."""
        form = await page.form()
        open_to(page, BY_KEY["works"])
        before = await page.call.need("status", f"{API}/{_id(form.text('previous'))}")
        if not works_next.may_follow(before, str(file), form.text("piece")):
            raise Shown(NOT_FOUND)
        fields = works_next.fields(before, form.text("piece"))
        answer = await page.call.post("ingest", DRAFTS, {"fields": fields}, headers={"Idempotency-Key": form.once})
        if not form.take(answer.problem):
            return page.refused(form.problem or Problem(status=422, code="BAD_REQUEST"))
        return page.go(path_of(answer.data["id"]), "works_begun")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Shown(NOT_FOUND) from error


async def _file(page: Page, file: UUID, form: Form) -> Response:
    found = await page.call.need("status", API, {"file": str(file), "limit": 200})
    pieces = sorted(found["invoices"], key=lambda each: (each["submitted_at"], each["id"]))
    if not pieces:
        raise Shown(NOT_FOUND)
    following = works_next.following(pieces, await _parties(page, pieces), page.me)
    keys = {each["supplier_siret"] for each in pieces} | {each.siret for each in following}
    return page.render(
        "works/file.html",
        file=file,
        form=form,
        pieces=pieces,
        names=await invoices_names.of_structures(page, keys),
        tones={each["id"]: tone(each["status"]) for each in pieces},
        waits=[each for each in pieces if each["turn"] and not each["status"]["terminal"]],
        following=following,
    )


async def _parties(page: Page, pieces: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The pieces that are still open with all that is said of them, by id."""
    asked = [each["id"] for each in pieces if not each["status"]["terminal"]][-_OPEN:]
    answers = await asyncio.gather(*(page.call.get("status", f"{API}/{identity}") for identity in asked))
    return {identity: answer.data for identity, answer in zip(asked, answers, strict=True) if answer.data is not None}

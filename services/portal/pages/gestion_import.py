"""``/gestion/import``: a file of the directory, first tried without changing anything, then loaded."""

import base64
import binascii
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from services.common import bodies
from services.portal.pages.forms import Form
from services.portal.pages.gestion_directory import load
from services.portal.pages.page import Own, Page

_PATH: Final = "/gestion/import"
_TYPES: Final = {"csv": "text/csv", "json": "application/json", "jsonl": "application/x-ndjson"}
#: A file up to this size goes along with the page that shows what it would change, and need not be chosen again.
CARRIED: Final = 60_000
_MOST: Final = 32 * 1024 * 1024


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(_PATH)
    async def ask(page: Own) -> Response:
        page.need("TENANT_ADMIN", "OPERATEUR")
        return _asked(page, Form())

    @router.post(_PATH)
    @bodies.takes(bodies.FILES)
    async def send(page: Own) -> Response:
        page.need("TENANT_ADMIN", "OPERATEUR")
        form = await page.form()
        content, ending = await _content(form)
        if content is None:
            form.wrong("file", page.t("gestion.file_missing"))
            return _asked(page, form)
        dry_run = form.text("act") != "load"
        answer = await load(page, content, _TYPES[ending], dry_run=dry_run)
        if answer.problem is not None:
            if answer.problem.code != "DIRECTORY_INVALID":
                form.take(answer.problem)
                return _asked(page, form)
            return page.render("gestion/import_refused.html", status=422, problem=answer.problem)
        if not dry_run:
            return page.render("gestion/import_done.html", report=answer.data)
        carried = base64.b64encode(content).decode() if len(content) <= CARRIED else None
        return page.render("gestion/import_tried.html", report=answer.data, carried=carried, ending=ending)


def _asked(page: Page, form: Form) -> Response:
    return page.render("gestion/import.html", status=200 if form.valid else 422, form=form)


async def _content(form: Form) -> tuple[bytes | None, str]:
    """The file as it was chosen, or as the page before carried it; and what kind of file it is."""
    file = next(iter(form.files("file")), None)
    if file is not None:
        ending = (file.filename or "").rpartition(".")[2].lower()
        return await file.read(_MOST + 1) or None, ending if ending in _TYPES else "csv"
    try:
        carried = base64.b64decode(form.text("carried"), validate=True)
    except (binascii.Error, ValueError):
        carried = b""
    ending = form.text("ending")
    return carried or None, ending if ending in _TYPES else "csv"

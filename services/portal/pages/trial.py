"""``/essayer``: "try my PDF" without an account: what would be read on it, and what a deposit would be told.

Nothing is kept: the file goes by memory to the reader, what was read to the checks, and the answer into the page. How
often one network may try is counted, for reading costs, before anything is read; few are in memory at once.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from invoice.keywords import words
from services.common import bodies, telemetry
from services.portal.pages import draft_form, problems
from services.portal.pages.deposit import body_of
from services.portal.pages.deposit_stream import guarded, is_archive
from services.portal.pages.forms import Form
from services.portal.pages.page import Page, Visit
from services.portal.pages.problems import Problem
from services.portal.pages.unsigned import Few, within

MAX_BYTES: Final = 10_000_000
#: In memory at once, and within how many seconds each has to come.
_AT_ONCE: Final = 8
_COMING_SECONDS: Final = 60.0
_SECONDS: Final = 19.0
#: What a page of an invoice mostly says, in the order of the form.
ASKED: Final = (
    "recipient_siret",
    "service_code",
    "engagement",
    "contract",
    "invoice_number",
    "issue_date",
    "supplier_siret",
    "total_excl_tax",
    "tax",
    "total_incl_tax",
    "payable",
)
#: What has to be there whoever is invoiced.
MANDATORY: Final = frozenset(("recipient_siret", "invoice_number", "issue_date", "supplier_siret", *draft_form.AMOUNTS))
_AWAY: Final = Problem(status=503, code="SERVICE_AWAY")
_BUSY: Final = Problem(status=503, code="TRIALS_BUSY", wait=5)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One field as it was read; ``keywords``: what would have announced one that was not."""

    name: str
    value: str = ""
    raw: str = ""
    keyword: str = ""
    page: int = 0
    sure: bool = False
    keywords: tuple[str, ...] = ()


def add_routes(router: APIRouter) -> None:
    """Serve it."""
    few = Few(_AT_ONCE, lambda limits, connection, request: limits.trial(connection, request), _BUSY)

    @router.get("/essayer")
    async def ask(page: Visit) -> Response:
        return _answer(page, Form())

    @router.post("/essayer")
    @bodies.takes(bodies.FILES)
    async def tried(page: Visit) -> Response:
        async with few.turn(page):
            return await _tried(page)


async def _tried(page: Page) -> Response:
    form = Form()
    async with within(_COMING_SECONDS):
        name, data = await _file(page)
    if not data:
        form.wrong("file", page.t("deposit.file_missing"))
    elif is_archive(data):
        form.wrong("file", page.t("trial.no_archive"))
    if not form.valid:
        return _answer(page, form)
    whole = await _asked(page, "ocr", data, "application/octet-stream")
    if not form.take(whole if isinstance(whole, Problem) else None):
        return _answer(page, form)
    told: Any = {"outcome": "refused", "findings": whole.get("unreadable", [])}
    if not whole.get("unreadable"):
        asked = msgspec.json.encode({"fields": whole.get("fields", [])})
        told = await _asked(page, "ingest", asked, "application/json")
        if not form.take(told if isinstance(told, Problem) else None):
            return _answer(page, form)
    return _answer(page, form, name=name, whole=whole, told=told, body=await _body(page, whole, told))


async def _body(page: Page, whole: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Whom the paper names as its recipient, with the public contact, where a deposit would be refused or corrected."""
    named = _value(whole, "recipient_siret")
    return await body_of(page, named) if named and (told["outcome"] == "refused" or _refused(told)) else None


def _value(whole: Mapping[str, Any], name: str) -> str:
    return next((str(each["value"]) for each in whole.get("fields", []) if each["name"] == name), "")


def _refused(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What would have to be corrected. What is only missing still has its field in the draft."""
    findings = told.get("findings", [])
    return [each for each in findings if each["level"] == "refuse" and each["code"] not in draft_form.TO_DO]


async def _file(page: Page) -> tuple[str, bytes]:
    """The file of the form. Raises ``Shown`` for a form that is none of ours."""
    name, data = "", b""
    async with guarded(page) as parts:
        async for part in parts:
            if part.name == "file" and part.file_name:
                name, data = part.file_name, await part.whole(MAX_BYTES)
    return name, data


async def _asked(page: Page, service: str, content: bytes, kind: str) -> Any:
    """What a service says to something shown to it: its answer, or the problem."""
    try:
        answer = await page.house.parts.neighbours.post(service, "/trial", content, kind, _SECONDS)
    except (httpx.HTTPError, KeyError) as error:
        telemetry.logger().warning("trial.service_away", service=service, error=type(error).__name__)
        return _AWAY
    body = msgspec.json.decode(answer.content) if "json" in answer.headers.get("content-type", "") else None
    return body if answer.is_success else problems.read(answer.status_code, body)


def fields_of(whole: Mapping[str, Any]) -> list[Read]:
    """What was read and what was not, in the order of the form."""
    found = {each["name"]: each for each in whole.get("fields", [])}
    return [
        Read(
            name=name,
            value=draft_form.shown(name, found[name]["value"]),
            raw=found[name].get("raw", ""),
            keyword=found[name].get("keyword", ""),
            page=found[name].get("page", 0),
            sure=found[name]["confidence"] == "sure",
        )
        if name in found
        else Read(name=name, keywords=words(name)[:4])
        for name in ASKED
    ]


def _answer(
    page: Page,
    form: Form,
    *,
    name: str = "",
    whole: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Response:
    findings = list((told or {}).get("findings", []))
    status = 200 if form.valid else form.problem.status if form.problem else 422
    return page.render(
        "trial/try.html",
        status=status,
        form=form,
        name=name,
        outcome=(told or {}).get("outcome"),
        empty=(whole or {}).get("empty"),
        fields=fields_of(whole) if whole is not None and not whole.get("unreadable") else [],
        mandatory=MANDATORY,
        refused=_refused(told or {}),
        remarks=[each for each in findings if each["level"] == "warn"],
        body=body,
        service=_value(whole or {}, "service_code"),
        megabytes=MAX_BYTES // 1_000_000,
    )

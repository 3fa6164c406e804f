"""``/deposer`` and ``/depots/…``: files in, what becomes of each, and the end: sent or refused."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from services.common import bodies
from services.portal.pages import deposit_files, deposit_intake
from services.portal.pages.deposit_intake import DEPOSITS, Intake, Sent
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import Shown

DEPOSITORS: Final = ("FOURNISSEUR", "DEPOSANT", "MOE", "MOA")
#: Of one sending so many are followed by name: as many as the API lists at once, in an address that any gateway takes.
MOST: Final = 200
FOLLOWED: Final = "/deposer/suivi"
#: How long a page waits for a reading, which mostly takes less than a second.
_WAITS, _WAIT_SECONDS = 10, 0.25
_DIRECTORY: Final = "/api/v1/directory/structures"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way. ``reached``: sent, stored, read, checked; ``tone`` as badges have it."""

    name: str
    path: str
    reached: int
    state: str
    label: str
    text: str
    act: str | None = None

    @property
    def over(self) -> bool:
        """Nothing more happens by itself."""
        return self.reached == 4


def add_routes(router: APIRouter) -> None:
    """Serve them."""
    _add_sending(router)
    _add_one(router)
    deposit_files.add_routes(router)


def may_deposit(page: Page) -> bool:
    """Whether he deposits for anybody."""
    return page.me.has(*DEPOSITORS)


def no_right(page: Page) -> Response:
    """Who deposits for nobody yet is told the one act that helps."""
    return page.render("deposit/no_right.html")


def _add_sending(router: APIRouter) -> None:
    @router.get("/deposer")
    async def ask(page: Own, siret: str = "", service: str = "", engagement: str = "") -> Response:
        if not may_deposit(page):
            return no_right(page)
        link = {"siret": _digits(siret), "service": service[:100], "engagement": engagement[:100]}
        return await _asked(page, Form.of(review="oui", **{name: value for name, value in link.items() if value}))

    @router.post("/deposer")
    @bodies.takes(bodies.ARCHIVES)
    async def send(page: Own) -> Response:
        by_script = page.request.headers.get("accept", "") == "application/json"
        try:
            found = await deposit_intake.take(page)
        except Shown as error:
            if not by_script:
                raise
            return JSONResponse({"problem": page.said(error.problem)}, status_code=error.problem.status)
        if by_script:
            return JSONResponse({"files": [_told(page, each) for each in found.sent]})
        if not found.sent or found.refused:
            return await _again(page, found)
        return page.go(following(found.sent, found))


def _digits(text: str) -> str:
    found = "".join(text.split())
    return found if len(found) == 14 and found.isascii() and found.isdigit() else ""


async def _asked(page: Page, form: Form, sent: Sequence[Sent] = ()) -> Response:
    """The form, with the deposits that are still on their way, and the body that a link named."""
    siret = _digits(form.text("siret"))
    body, recent = await asyncio.gather(
        page.call.get("routing", f"{_DIRECTORY}/{siret}") if siret else _nothing(),
        page.call.get("ingest", DEPOSITS, {"limit": 8}),
    )
    return page.render(
        "deposit/ask.html",
        status=200 if form.valid else 422,
        form=form,
        sent=sent,
        body=body.data if body is not None else None,
        recent=[step(page, each) for each in (recent.data or {}).get("deposits", [])],
        away=recent.problem is not None and recent.problem.away,
    )


async def _nothing() -> None:
    return None


async def _again(page: Page, found: Intake) -> Response:
    """Some files were kept out: why, beside those that are stored."""
    kept = {name: value for name, value in found.fields.items() if name in ("siret", "service", "engagement", "review")}
    form = Form.of(**kept)
    if not found.sent:
        form.wrong("file", page.t("deposit.file_missing"))
    for each in found.refused:
        assert each.problem is not None
        form.wrong("file", page.t("deposit.kept_out", name=each.name, why=page.said(each.problem)))
    return await _asked(page, form, found.sent)


def _told(page: Page, sent: Sent) -> dict[str, Any]:
    """What the script is told of one file."""
    return {
        "name": sent.name,
        "path": sent.path,
        "archive": sent.archive,
        "id": sent.id,
        "problem": page.said(sent.problem) if sent.problem else None,
    }


def following(sent: Sequence[Sent], form: Intake | None = None) -> str:
    """Where files that were sent are followed: at one's own place where there is one alone, among all where there are
    more than an address can name."""
    ended = [each for each in sent if each.id]
    if len(ended) > MOST:
        return FOLLOWED
    named = [(name, form.get(name)) for name in ("siret", "service", "engagement") if form and form.get(name)]
    if len(ended) == 1 and ended[0].archive:
        return f"/flux/{ended[0].id}"
    if len(ended) == 1:
        return f"/depots/{ended[0].id}?{urlencode([('attendre', '1'), *named])}"
    asked = [("f" if each.archive else "d", str(each.id)) for each in ended]
    return f"{FOLLOWED}?{urlencode(asked)}"


def step(page: Page, deposit: dict[str, Any]) -> Step:
    """Where a deposit stands."""
    state, id_ = deposit["state"], deposit["id"]
    act = {"to_verify": page.t("deposit.act_draft"), "refused": page.t("deposit.act_refused")}.get(state)
    return Step(
        name=deposit.get("invoice_number") or deposit["file_name"],
        path=f"/brouillons/{id_}" if state == "to_verify" else f"/depots/{id_}",
        reached=2 if state == "received" else 4,
        state=state,
        label=page.t.get(f"deposit.state_{state}") or deposit["label"],
        text=page.t.get(f"deposit.text_{state}") or deposit["explanation"],
        act=act,
    )


def _add_one(router: APIRouter) -> None:
    @router.get("/depots/{deposit}")
    async def one(page: Own, deposit: UUID, attendre: str = "") -> Response:
        found: dict[str, Any] = await page.call.need("ingest", f"{DEPOSITS}/{deposit}")
        for _ in range(_WAITS if attendre else 0):
            if found["state"] != "received":
                break
            await asyncio.sleep(_WAIT_SECONDS)
            found = await page.call.need("ingest", f"{DEPOSITS}/{deposit}")
        if found["state"] == "to_verify":
            named = [(k, v) for k, v in page.request.query_params.items() if k in ("siret", "service", "engagement")]
            return page.go(f"/brouillons/{deposit}{'?' + urlencode(named) if named else ''}")
        if found["state"] == "refused":
            return await _refused(page, found)
        if found["state"] == "submitted":
            return await _sent(page, found)
        return page.render("deposit/waiting.html", deposit=found, step=step(page, found), once=Form().once)


def value_of(deposit: dict[str, Any], name: str) -> str | None:
    """What was accepted for a field, else what was read."""
    invoice = deposit.get("invoice") or {}
    if invoice.get(name):
        return str(invoice[name])
    return next((str(field["value"]) for field in deposit["fields"] if field["name"] == name), None)


async def body_of(page: Page, siret: str | None) -> dict[str, Any] | None:
    """The body of a SIRET, with its public contact; None where there is none, or it cannot be asked."""
    if not siret or not _digits(siret):
        return None
    found: dict[str, Any] | None = (await page.call.get("routing", f"{_DIRECTORY}/{_digits(siret)}")).data
    return found


async def _refused(page: Page, found: dict[str, Any]) -> Response:
    body = await body_of(page, value_of(found, "recipient_siret"))
    return page.render(
        "deposit/refused.html",
        deposit=found,
        reasons=[each for each in found["findings"] if each["level"] == "refuse"],
        body=body,
        service=value_of(found, "service_code"),
        form=Form(),
    )


async def _sent(page: Page, found: dict[str, Any]) -> Response:
    """The end: number, instant, certificate, and where the invoice goes on."""
    pieces, body = await asyncio.gather(
        page.call.get("ingest", f"{DEPOSITS}/{found['id']}/attachments"),
        body_of(page, value_of(found, "recipient_siret")),
    )
    return page.render(
        "deposit/sent.html",
        deposit=found,
        remarks=[each for each in found["findings"] if each["level"] == "warn"],
        pieces=(pieces.data or {}).get("attachments", []),
        body=body,
    )

"""``/sollicitations``: questions to support, to a public body or to a supplier; the lists, and one with its story."""

from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from services.common import bodies
from services.portal.pages.forms import Form
from services.portal.pages.page import Own, Page, local
from services.portal.pages.problems import Problem

API: Final = "/api/v1/solicitations"
ROOT: Final = "/sollicitations"
#: As the address bar names the two boxes and the states.
BOXES: Final = {"emises": "sent", "recues": "received"}
STATES: Final = {"attente": "waiting", "repondue": "answered", "close": "closed"}
#: Tones of badges by state.
TONES: Final = {"waiting": "wait", "answered": "mine", "closed": "off"}
_FILES: Final = ("content-type", "content-disposition", "content-length")
#: What a form's files may weigh together, and how many there may be: as the API takes them.
MOST_FILES, MOST_BYTES = 5, 10 * 1024 * 1024


def add_routes(router: APIRouter) -> None:
    """Serve them. The page of a new question comes before that of one by its id."""
    _add_list(router)
    _add_one(router)


def _add_list(router: APIRouter) -> None:
    @router.get(ROOT)
    async def listed(
        page: Own, vue: str = "", etat: str = "", categorie: str = "", q: str = "", facture: str = "", suite: str = ""
    ) -> Response:
        given = {
            "box": BOXES.get(vue),
            "state": STATES.get(etat),
            "category": categorie if categorie.replace("_", "").isalpha() else None,
            "invoice": _uuid(facture),
            "q": " ".join(q.replace("\x00", "").split())[:100],
            "cursor": suite[:200],
            "limit": 30,
        }
        answer = await page.call.get("portal", API, given)
        kinds = await page.call.get("portal", f"{API}/categories")
        found = answer.data or {"solicitations": [], "next": None}
        kept = {"vue": vue, "etat": etat, "categorie": categorie, "q": given["q"], "facture": facture}
        asked = {name: value for name, value in kept.items() if value}
        return page.render(
            "solicitations/list.html",
            rows=found["solicitations"],
            next=_path({**asked, "suite": found["next"]}) if found["next"] else None,
            first=_path(asked) if suite else None,
            form=Form.of(vue=vue, etat=etat, categorie=categorie, q=given["q"], facture=facture),
            narrowed=any(asked.get(name) for name in ("etat", "categorie", "q", "facture")),
            categories=[(each["code"], worded(page, each)) for each in kinds.data or []],
            problem=answer.problem,
            tones=TONES,
            vue=vue if vue in BOXES else "",
            path=_path,
        )


def _add_one(router: APIRouter) -> None:
    @router.get(f"{ROOT}/{{solicitation}}")
    async def one(page: Own, solicitation: UUID) -> Response:
        return await show(page, solicitation, Form())

    @router.get(f"{ROOT}/{{solicitation}}/pieces/{{piece}}")
    async def paper(page: Own, solicitation: UUID, piece: UUID) -> Response:
        found = await page.call.carry("portal", f"{API}/{solicitation}/attachments/{piece}")
        headers = {name: value for name, value in found.headers.items() if name.lower() in _FILES}
        return StreamingResponse(found.chunks, headers={**headers, "Content-Security-Policy": "sandbox"})

    @router.post(f"{ROOT}/{{solicitation}}/message")
    @bodies.takes(bodies.FILES)
    async def write(page: Own, solicitation: UUID) -> Response:
        form = await page.form()
        papers = await send_files(page, form)
        if len(form.text("text")) < 10:
            form.wrong("text", page.t("solicitations.text_short"))
        if not form.valid:
            return await show(page, solicitation, form)
        answer = await page.call.post(
            "portal",
            f"{API}/{solicitation}/messages",
            {"text": form.text("text"), "attachments": papers},
            headers={"Idempotency-Key": form.once},
        )
        if not form.take(answer.problem):
            return await show(page, solicitation, form)
        return page.go(f"{ROOT}/{solicitation}#messages", "solicitation_written")

    @router.post(f"{ROOT}/{{solicitation}}/cloture")
    async def close(page: Own, solicitation: UUID) -> Response:
        await page.form()
        answer = await page.call.post("portal", f"{API}/{solicitation}/close", {})
        if answer.problem is not None:
            return page.refused(answer.problem)
        return page.go(f"{ROOT}/{solicitation}", "solicitation_closed")


async def show(page: Page, solicitation: UUID, form: Form) -> Response:
    """One with its story, and the form to go on."""
    found = await page.call.need("portal", f"{API}/{solicitation}")
    kinds = await page.call.get("portal", f"{API}/categories")
    return page.render(
        "solicitations/one.html",
        status=200 if form.valid else 422,
        one=found,
        came_from=local(found["page"], ""),
        label=_label(page, kinds.data or [], found),
        form=form,
        tones=TONES,
    )


def worded(page: Page, entry: dict[str, Any]) -> str:
    """A category or sub-category in the page's language."""
    return str(entry["label_en"] if page.language == "en" else entry["label"])


def _label(page: Page, kinds: list[dict[str, Any]], found: dict[str, Any]) -> str:
    for category in kinds:
        for line in category["subcategories"]:
            if (category["code"], line["code"]) == (found["category"], found["subcategory"]):
                return f"{worded(page, category)} – {worded(page, line)}"
    return str(found["label"])


async def send_files(page: Page, form: Form) -> list[str]:
    """Send the files of a form on, and say what is wrong with which; those sent before are kept with the form."""
    sent = [text for text in form.all("paper") if _uuid(text)][:MOST_FILES]
    names = form.all("paper_name")
    chosen = form.files("files")
    if len(sent) + len(chosen) > MOST_FILES:
        form.wrong("files", page.t("solicitations.files_many", n=MOST_FILES))
        chosen = []
    for file in chosen:
        content = await file.read(MOST_BYTES + 1)
        name = (file.filename or "piece").replace("\\", "/").rpartition("/")[2][:200]
        if len(content) > MOST_BYTES:
            form.wrong("files", page.t("solicitations.file_heavy", name=name))
            continue
        answer = await page.call.post(
            "portal", f"{API}/attachments?name={quote(name, safe='')}", content=content, seconds=30.0
        )
        if answer.problem is not None:
            form.wrong("files", f"{name} : {page.said(answer.problem)}")
            continue
        sent.append(str(answer.data["id"]))
        names.append(name)
    form.keep("paper", sent)
    form.keep("paper_name", names[: len(sent)])
    return sent


def about_problem(form: Form, problem: Problem | None) -> bool:
    """Take what the API found wrong, by the form's own names."""
    return form.take(problem, {"subcategory": "subject", "category": "subject", "attachments": "files"})


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _path(asked: dict[str, Any]) -> str:
    return f"{ROOT}?{urlencode({name: value for name, value in asked.items() if value})}" if asked else ROOT

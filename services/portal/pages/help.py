"""``/aide``: a page per task, what every status, motif and refusal means, a search. Nobody signs in for that."""

from pathlib import PurePosixPath
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from invoice import kinds, labels
from invoice.keywords import FIELDS
from services.portal.pages import help_codes, help_model, help_names, help_search, help_texts
from services.portal.pages.page import Page, Visit
from services.portal.pages.problems import NOT_FOUND, Shown

#: Fields whose words help who writes an invoice; the others are read without any.
_ANNOUNCED: Final = (
    "invoice_number",
    "issue_date",
    "supplier_siret",
    "recipient_siret",
    "service_code",
    "engagement",
    "contract",
    "total_excl_tax",
    "tax",
    "total_incl_tax",
    "payable",
    "type_code",
)
#: What announces the State, which is not served here.
_NOT_SERVED: Final = frozenset({"Ministère"})
_WORDS_SHOWN: Final = 5


def keywords() -> list[dict[str, Any]]:
    """The words that the reader knows, by field: those of official guidance first."""
    return [
        {
            "label": labels.FIELD_LABELS[name],
            "words": [word for word in FIELDS[name].all if word not in _NOT_SERVED][:_WORDS_SHOWN],
        }
        for name in _ANNOUNCED
    ]


def bodies() -> list[dict[str, Any]]:
    """The legal delays with the kinds of bodies of each: those that are not most bodies' come first."""
    found: dict[int, list[str]] = {}
    for kind in kinds.KINDS.values():
        found.setdefault(kind.days, []).append(kind.label)
    return [{"days": days, "labels": found[days]} for days in sorted(found, reverse=True)]


def picture(page: Page, name: str) -> dict[str, Any] | None:
    """A picture of ``static/help``, None until it has been taken."""
    file = f"help/{name}.webp"
    if file not in page.house.assets.names:
        return None
    width, height = page.house.assets.size(file)
    return {"url": page.house.assets.url(file), "width": width, "height": height}


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get("/aide")
    async def index(page: Visit, q: str = "") -> Response:
        asked = " ".join(q.replace("\x00", "").split())[: help_search.LONGEST]
        found = help_search.search(asked, page.language) if asked else None
        documents = help_texts.documents(page.language)
        return page.render("help/index.html", q=asked, found=found, documents=documents, groups=help_texts.GROUPS)

    @router.get("/aide/statuts")
    async def statuses(page: Visit) -> Response:
        return page.render(
            "help/statuses.html",
            groups=help_codes.statuses(),
            said=lambda status: help_names.status(status, page.language),
            set_by=help_codes.set_by,
            following=help_codes.following,
        )

    @router.get("/aide/motifs")
    async def motifs(page: Visit) -> Response:
        return page.render(
            "help/motifs.html",
            families=help_codes.motifs_by_family(),
            said=lambda status: help_names.status(status, page.language),
        )

    @router.get("/aide/refus")
    async def refusals(page: Visit) -> Response:
        return _refusals(page, "")

    @router.get("/aide/refus/{part}")
    async def more_refusals(page: Visit, part: str) -> Response:
        return _refusals(page, part)

    @router.get("/aide/modeles/{name}")
    async def model(page: Visit, name: str) -> Response:
        kind = help_model.KINDS.get(PurePosixPath(name).suffix)
        if kind is None or name != help_model.NAME + kind.ending:
            raise Shown(NOT_FOUND)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        return Response(kind.made(), media_type=kind.media_type, headers=headers)

    @router.get("/aide/{name}")
    async def document(page: Visit, name: str) -> Response:
        found = help_texts.documents(page.language).get(name)
        if found is None:
            raise Shown(NOT_FOUND)
        return page.render(
            "help/page.html",
            document=found,
            documents=help_texts.documents(page.language),
            marked=help_texts.marked,
            picture=lambda name: picture(page, name),
            tables={"keywords": keywords, "kinds": bodies, "models": lambda: help_model.KINDS.values()},
            model=help_model.NAME,
        )


def _refusals(page: Page, part: str) -> Response:
    if part not in help_codes.PAGES:
        raise Shown(NOT_FOUND)
    return page.render(
        "help/refusals.html",
        part=part,
        parts=help_codes.PAGES,
        groups=help_codes.refusals(part),
        others=help_codes.elsewhere(part) if part == "" else [],
        page_of=help_codes.page_of,
    )

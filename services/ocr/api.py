"""Readings and stuck documents, for operators; pages as pictures, for whoever has a signed link."""

import hashlib
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from services.common import links
from services.common.auth import CurrentPrincipal
from services.common.db import Pool, scoped
from services.common.links import Link
from services.common.looks import MayLook, add_looks
from services.common.may import require
from services.common.web import Problem
from services.ocr.answers import Source
from services.ocr.pages import PNG, Pages
from services.ocr.scale import scale

_LISTED = 200


class ReadingOut(BaseModel):
    """What was read in a document, or why nothing was. ``result`` is the data of the event that told it."""

    invoice: UUID
    outcome: Literal["read", "empty", "unreadable"]
    result: dict[str, Any]
    read_at: datetime


class LostOut(BaseModel):
    """A document whose deposit was acknowledged and that cannot be had. It is tried again at ``next_try_at``."""

    invoice: UUID
    bucket: str
    key: str
    sha256: str
    trouble: str
    tries: int
    received_at: datetime
    next_try_at: datetime


class PageSize(BaseModel):
    """One page: its number, its size in PDF points as shown, and the pixels of its picture."""

    number: int
    width: float
    height: float
    pixels: tuple[int, int]


class PagesOut(BaseModel):
    """The pages of a document. ``template``: the address of a picture, its number in the place of ``{n}``."""

    pages: list[PageSize]
    source: Source
    template: str


_LINK: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {}}}
    for status, words in {
        403: "Lien absent, mal formé, donné pour un autre document, ou dont le titulaire a perdu ses droits",
        404: "Document sans page, ou page qui n'existe pas",
        410: "Lien expiré",
        422: "Page que rien ne peut dessiner",
        503: "Trop de pages demandées à la fois, ou momentanément indisponible",
    }.items()
}


def add_routes(app: FastAPI, api_pool: Pool, pages: Pages) -> None:
    """``api_pool``: row-level security shows rows to operators, and to a signed link those of its document."""
    router = APIRouter(prefix=links.PREFIX, tags=["pages"])
    add_looks(router, api_pool)
    _add_operators(router, api_pool)
    _add_pages(router, pages)
    app.include_router(router)


def _add_pages(router: APIRouter, pages: Pages) -> None:
    @router.get("/{document}/index", summary="Les pages d'un document et leur taille (lien signé)", responses=_LINK)
    async def index(request: Request, response: Response, document: UUID, link: Link) -> PagesOut:
        await _open(request, document, link)
        found = await pages.readable(document)
        response.headers.update(_HEADERS)
        shown = [
            PageSize(number=number, width=size[0], height=size[1], pixels=scale(size))
            for number, size in enumerate(found.sizes, 1)
        ]
        return PagesOut(pages=shown, source=found.source, template=links.address("{n}.png", document, link))

    @router.get(
        "/{document}/{page}.png",
        summary="Une page d'un document, en image (lien signé)",
        response_class=Response,
        responses={200: {"content": {PNG: {}}}, 304: {"description": "L'image n'a pas changé"}, **_LINK},
    )
    async def picture(request: Request, document: UUID, page: str, link: Link) -> Response:
        """Largeur et hauteur de la page, en points PDF, dans ``X-Page-Width`` et ``X-Page-Height``."""
        await _open(request, document, link)
        number = _number(page)
        found = await pages.readable(document)
        content = await pages.picture(document, found, number)
        width, height = found.sizes[number - 1]
        size = {"X-Page-Width": f"{width:g}", "X-Page-Height": f"{height:g}", "X-Pages": str(len(found.sizes))}
        headers = _HEADERS | size | {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=PNG, headers=headers)


async def _open(request: Request, document: UUID, link: Link) -> None:
    """Raises the problem of a link that opens nothing, whether there is such a document or not."""
    await links.still(request, links.check(request.app.state.token_secret, document, link))


def _number(page: str) -> int:
    """A page's number in its one spelling; 0, which no page has, for anything else."""
    return int(page) if page.isascii() and page.isdigit() and len(page) <= 4 and page[0] != "0" else 0


#: A picture of somebody's invoice: kept by his own browser only, which asks each time whether he may still see it.
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


#: The tenant of the body that was read as the recipient.
_WHOSE = (
    "select b.tenant from reading r cross join lateral jsonb_array_elements(case when"
    " jsonb_typeof(r.result -> 'fields') = 'array' then r.result -> 'fields' end) f"
    " join recipient b on b.siret = f ->> 'value' where r.invoice_id = $1 and f ->> 'name' = 'recipient_siret'"
    " and b.tenant is not null limit 1"
)


def _add_operators(router: APIRouter, api_pool: Pool) -> None:
    @router.get("/{invoice}/reading", summary="Ce qui a été lu dans un document (opérateur)")
    async def reading(invoice: UUID, principal: CurrentPrincipal, looking: MayLook) -> ReadingOut:
        require(principal, "reading.read")
        async with scoped(api_pool, principal.scope()) as connection:
            row = await connection.fetchrow(
                "select outcome, result::text, read_at from reading where invoice_id = $1", invoice
            )
            tenant = await connection.fetchval(_WHOSE, invoice)
        if row is None:
            raise Problem(
                404,
                "READING_UNKNOWN",
                "Aucune lecture",
                "Ce document n'est pas connu, ou n'est pas encore lu : réessayez dans quelques secondes.",
            )
        await looking.at(api_pool, tenant, invoice)
        return ReadingOut(
            invoice=invoice,
            outcome=row["outcome"],
            result=msgspec.json.decode(row["result"], type=dict[str, Any]),
            read_at=row["read_at"],
        )

    @router.get("/lost", summary="Documents acquittés mais introuvables ou altérés (opérateur)")
    async def lost(principal: CurrentPrincipal) -> list[LostOut]:
        require(principal, "reading.read")
        async with scoped(api_pool, principal.scope()) as connection:
            rows = await connection.fetch(
                "select invoice_id as invoice, document ->> 'bucket' as bucket, document ->> 'key' as key,"
                " document ->> 'sha256' as sha256, coalesce(trouble, '') as trouble, failures as tries,"
                " queued_at as received_at, due_at as next_try_at"
                " from job where state = 'failed' order by queued_at limit $1",
                _LISTED,
            )
        return [LostOut(**dict(row)) for row in rows]

"""HTTP: attach files to a deposit, list them, get them back: the depositor's own, and of his structures' invoices.

Other parties of an invoice (recipient, validators, works parties) get signed links from the service that knows them.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request, Response

from services.common import bodies, links
from services.common.auth import CurrentPrincipal, Principal, current_principal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.downloads import download_headers
from services.common.links import Link
from services.common.may import require
from services.common.problems import in_words
from services.ingest import attachment_refusals, attachment_reuse_api, attachment_store, refusals
from services.ingest.answering import answered, content, one_of
from services.ingest.antivirus import Antivirus
from services.ingest.attachment_kinds import TYPES
from services.ingest.attachment_store import Kept
from services.ingest.attachment_views import MAX_LABEL, AttachmentList, AttachmentView, label_of, type_of, view
from services.ingest.attachments import Attachments, Paper
from services.ingest.settings import IngestSettings
from services.ingest.upload import Limits, Upload, receive
from services.ingest.views import PREFIX

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "type", "label"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "La pièce, 10 Mo au plus."},
                    "type": {
                        "type": "string",
                        "enum": list(TYPES),
                        "description": "Le type de la pièce.",
                    },
                    "label": {"type": "string", "maxLength": MAX_LABEL, "description": "Un libellé pour le lecteur."},
                },
            },
            "examples": {
                "bon de livraison": {
                    "summary": "Un bon de livraison numérisé",
                    "value": {"file": "bl-0042.png", "type": "BON_LIVRAISON", "label": "Livraison du 27 février"},
                }
            },
        }
    },
}
_PROBLEMS = in_words(
    {
        400: "Formulaire illisible, fichier vide ou absent, plusieurs fichiers",
        401: "Jeton absent ou refusé",
        403: "Rôle manquant",
        404: "Aucun de vos dépôts",
        408: "Envoi interrompu",
        409: "Dépôt clos, trop de pièces jointes, ou trop lourdes",
        413: "Pièce jointe trop lourde",
        415: "Extension refusée, programme, ou contenu qui n'est pas celui de l'extension",
        422: "Type ou libellé à corriger",
        429: "Trop d'envois à la fois",
        503: "Momentanément indisponible : renvoyez la même demande, elle ne sera jamais faite deux fois",
    }
)
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "La pièce, octet pour octet", "content": {"application/octet-stream": {}}},
    **in_words(
        {
            401: "Ni jeton, ni lien signé",
            403: "Lien mal formé, donné pour une autre pièce, ou dont le titulaire a perdu ses droits",
            404: "Aucune pièce jointe que vous puissiez voir",
            410: "Lien expiré, ou pièce effacée au terme de sa conservation",
            429: "Trop de lectures par jeton ; un lien signé n'est compté à personne",
            503: "Momentanément indisponible",
        }
    ),
}


def add_routes(
    app: FastAPI,
    *,
    api_pool: Pool,
    blobs: Blobs,
    settings: IngestSettings,
    uploads: Counter[str],
    antivirus: Antivirus,
) -> None:
    """Add the routes of attachments. ``uploads`` counts what each subject is sending, deposits included."""
    attachments = Attachments(api_pool, blobs, settings, antivirus)
    app.include_router(_writing(attachments, settings, uploads))
    attachment_reuse_api.add_routes(app, attachments=attachments, settings=settings)
    app.include_router(_reading(api_pool, blobs, settings))


def _writing(attachments: Attachments, settings: IngestSettings, uploads: Counter[str]) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["attachments"])
    limits = Limits(
        file_bytes=settings.max_attachment_bytes,
        spool_bytes=settings.spool_bytes,
        stall_seconds=settings.upload_stall_seconds,
    )
    door = Paper()

    @router.post(
        "/{deposit_id}/attachments",
        status_code=201,
        responses=_PROBLEMS,
        openapi_extra={"requestBody": _BODY},
        summary="Joindre une pièce",
    )
    @bodies.takes(bodies.FILES)
    async def attach(
        request: Request, response: Response, principal: CurrentPrincipal, deposit_id: str
    ) -> AttachmentView:
        """Joint une pièce à un dépôt, avant ou après l'envoi de la facture. Elle est durable dès la réponse 201.

        Le même fichier envoyé de nouveau au même dépôt est la même pièce jointe : aucune clé n'est nécessaire.
        """
        require(principal, "attachment.add")
        async with one_of(uploads, principal.subject, settings.uploads_each), receive(request, limits, door) as upload:
            type_, label = _type(upload), _label(upload)
            deposit = _id(deposit_id)
            if deposit is None:
                raise refusals.unknown_deposit()
            adding = attachments.add(principal, deposit, upload, type_, label, request.state.traceparent)
            kept = await answered(settings.store_seconds, adding)
        response.headers["Location"] = f"{PREFIX}/{kept.deposit}/attachments/{kept.id}"
        return view(kept, principal, settings)

    return router


def _reading(api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["attachments"])
    not_found: dict[int | str, dict[str, Any]] = {404: _PROBLEMS[404]}

    @router.get(
        "/{deposit_id}/attachments",
        responses=not_found,
        summary="Les pièces jointes d'un dépôt",
    )
    async def listed(principal: CurrentPrincipal, deposit_id: str) -> AttachmentList:
        """Les pièces jointes d'un de vos dépôts, ou d'une facture de vos structures."""
        found = await answered(settings.store_seconds, _listed(api_pool, principal, _id(deposit_id)))
        return AttachmentList(attachments=[view(kept, principal, settings) for kept in found])

    @router.get(
        "/{deposit_id}/attachments/{attachment_id}",
        responses=not_found,
        summary="Une pièce jointe",
    )
    async def one(principal: CurrentPrincipal, deposit_id: str, attachment_id: str) -> AttachmentView:
        """Ce qui est su d'une pièce jointe, avec un lien qui l'ouvre."""
        finding = _find(api_pool, principal.scope(), _id(deposit_id), _id(attachment_id))
        return view(await answered(settings.store_seconds, finding), principal, settings)

    @router.get(
        "/{deposit_id}/attachments/{attachment_id}/content",
        response_class=Response,
        responses=_CONTENT,
        summary="Le contenu d'une pièce jointe (jeton ou lien signé)",
    )
    async def whole(
        request: Request,
        deposit_id: str,
        attachment_id: str,
        link: Link,
    ) -> Response:
        """La pièce telle que déposée, son empreinte vérifiée : toujours un téléchargement, jamais une page."""
        deposit, attachment = _id(deposit_id), _id(attachment_id)
        scope = await _scope(request, settings, deposit, attachment, link)
        kept = await answered(settings.store_seconds, _find(api_pool, scope, deposit, attachment, readable=True))
        found = await answered(settings.store_seconds, content(blobs, kept.document, str(kept.deposit)))
        headers = download_headers(kept.name, kept.document.sha256)
        return Response(found, media_type=kept.document.media_type, headers=headers)

    return router


async def _scope(
    request: Request, settings: IngestSettings, deposit: UUID | None, attachment: UUID | None, link: Link
) -> dict[str, str]:
    """What the request may see: by a link the one attachment that it names, else what its token may."""
    if not link:
        return (await current_principal(request)).scope()
    if deposit is None or attachment is None:
        raise attachment_refusals.unknown()
    secret = settings.token_secret.get_secret_value()
    await links.still(request, links.check_attachment(secret, deposit, attachment, link))
    return {"attachment": str(attachment)}


async def _listed(api_pool: Pool, principal: Principal, deposit: UUID | None) -> list[Kept]:
    async with scoped(api_pool, principal.scope()) as connection:
        if deposit is None or not await attachment_store.shown(connection, deposit):
            raise refusals.unknown_deposit()
        return await attachment_store.listed(connection, deposit)


async def _find(
    api_pool: Pool, scope: dict[str, str], deposit: UUID | None, attachment: UUID | None, *, readable: bool = False
) -> Kept:
    """One attachment; one of somebody else's is as unknown as one that never was. ``readable``: its file is there."""
    kept = expired = None
    if deposit is not None and attachment is not None:
        async with scoped(api_pool, scope) as connection:
            kept = await attachment_store.find(connection, deposit, attachment)
            if kept is not None and readable:
                expired = await attachment_store.expired(connection, deposit)
    if kept is None:
        raise attachment_refusals.unknown()
    if expired is not None:
        raise refusals.document_expired(expired)
    return kept


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _type(upload: Upload) -> str:
    return type_of(upload.fields.get("type", ""))


def _label(upload: Upload) -> str:
    return label_of(upload.fields.get("label", ""))

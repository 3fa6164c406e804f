"""Resumable upload: tus 1.0 (core, creation, termination, expiration), a few lines of HTTP that many clients know."""

import base64
import binascii
from datetime import timedelta
from email.utils import format_datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from services.common import bodies
from services.common.auth import CurrentPrincipal
from services.common.problems import in_words
from services.ingest import flow_words
from services.ingest.answering import answered
from services.ingest.api_checks import may_deposit
from services.ingest.flow_domain import Flow
from services.ingest.flow_uploads import Uploads
from services.ingest.settings import IngestSettings

PREFIX: Final = "/api/v1/flows"
VERSION: Final = "1.0.0"
_PATCH_TYPE: Final = "application/offset+octet-stream"
_MAX_NAME: Final = 2_000
TusVersion = Annotated[str, Header(alias="Tus-Resumable", description="La version du protocole : 1.0.0.")]
_WORDS: Final = {
    400: "En-tête manquant ou mal formé",
    404: "Aucun de vos envois",
    408: "Envoi interrompu ; ce qui est arrivé est gardé",
    409: "Reprise au mauvais endroit, ou envoi terminé",
    412: "Version de tus inconnue",
    413: "Flux trop lourd",
    415: "Ni XML, ni PDF, ni ZIP, ni TAR.GZ ; ou Content-Type refusé",
    429: "Trop d'envois à la fois, ou quota atteint",
}


def _said(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return in_words({status: _WORDS[status] for status in statuses})


def routes(uploads: Uploads, settings: IngestSettings) -> APIRouter:
    """The routes of resumable uploads; the id of an upload is that of its flow."""
    router = APIRouter(prefix=f"{PREFIX}/uploads", tags=["flows"])

    @router.options("", status_code=204)
    async def options(principal: CurrentPrincipal) -> Response:
        """Ce que ce serveur sait de tus."""
        return Response(
            status_code=204,
            headers={
                "Tus-Resumable": VERSION,
                "Tus-Version": VERSION,
                "Tus-Extension": "creation,termination,expiration",
                "Tus-Max-Size": str(settings.flow_max_bytes),
            },
        )

    @router.post("", status_code=201, responses=_said(400, 412, 413, 429))
    async def create(
        request: Request,
        principal: CurrentPrincipal,
        tus_resumable: TusVersion = "",
        upload_length: Annotated[str, Header(alias="Upload-Length", description="Taille du fichier, en octets.")] = "",
        upload_metadata: Annotated[
            str, Header(alias="Upload-Metadata", description="filename, son nom en base64.")
        ] = "",
    ) -> Response:
        """Commence un envoi reprenable ; les octets suivent par PATCH à l'adresse de Location."""
        may_deposit(principal)
        _version(tus_resumable)
        size = _number("Upload-Length", upload_length)
        beginning = uploads.begin(principal, _name(upload_metadata), size, "upload", request.state.traceparent)
        flow = await answered(settings.store_seconds, beginning)
        return Response(status_code=201, headers={"Location": f"{PREFIX}/uploads/{flow.id}", **_head(flow, settings)})

    @router.head("/{flow_id}", responses=_said(404, 412, 429))
    async def offset(principal: CurrentPrincipal, flow_id: str, tus_resumable: TusVersion = "") -> Response:
        """Où en est l'envoi : Upload-Offset octets sont reçus et durables."""
        flow = await answered(settings.store_seconds, uploads.own(principal, _id(flow_id)))
        _version(tus_resumable)
        return Response(status_code=200, headers={"Cache-Control": "no-store", **_head(flow, settings)})

    @router.patch("/{flow_id}", status_code=204, responses=_said(400, 404, 408, 409, 412, 413, 415, 429))
    @bodies.takes(bodies.ARCHIVES)
    async def append(
        request: Request,
        principal: CurrentPrincipal,
        flow_id: str,
        tus_resumable: TusVersion = "",
        upload_offset: Annotated[str, Header(alias="Upload-Offset", description="Octets déjà reçus.")] = "",
        content_type: Annotated[str, Header(alias="Content-Type")] = "",
    ) -> Response:
        """La suite des octets. Avec le dernier, le flux est reçu : voir Content-Location."""
        may_deposit(principal)
        flow = await answered(settings.store_seconds, uploads.own(principal, _id(flow_id)))
        _version(tus_resumable)
        if content_type != _PATCH_TYPE:
            found = flow_words.header_invalid("Content-Type", content_type, _PATCH_TYPE)
            found.status = 415
            raise found
        given = _number("Upload-Offset", upload_offset)
        flow = await uploads.part(principal, flow, given, request.stream())
        return Response(status_code=204, headers=_head(flow, settings))

    @router.delete("/{flow_id}", status_code=204, responses=_said(404, 409, 412, 429))
    async def abandon(principal: CurrentPrincipal, flow_id: str, tus_resumable: TusVersion = "") -> Response:
        """Abandonne un envoi qui n'est pas terminé."""
        flow = await answered(settings.store_seconds, uploads.own(principal, _id(flow_id)))
        _version(tus_resumable)
        if not await answered(settings.store_seconds, uploads.abandon(principal, flow)):
            raise flow_words.upload_over()
        return Response(status_code=204, headers={"Tus-Resumable": VERSION})

    return router


def _head(flow: Flow, settings: IngestSettings) -> dict[str, str]:
    found = {"Tus-Resumable": VERSION, "Upload-Offset": str(flow.stored), "Upload-Length": str(flow.size)}
    if flow.step == "upload":
        expires = flow.begun_at + timedelta(hours=settings.flow_upload_hours)
        return found | {"Upload-Expires": format_datetime(expires, usegmt=True)}
    return found | {"Content-Location": f"{PREFIX}/{flow.id}"}


def _version(given: str) -> None:
    if given != VERSION:
        raise flow_words.tus_version(given)


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise flow_words.header_invalid(name, value, "un nombre d'octets")
    return int(value)


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise flow_words.unknown() from error


def _name(metadata: str) -> str:
    """The file's name among the metadata: ``filename ZmFjdHVyZXMuemlw, …``."""
    for pair in metadata[:_MAX_NAME].split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise flow_words.header_invalid(
                    "Upload-Metadata", metadata, "filename suivi du nom en base64"
                ) from error
    return ""

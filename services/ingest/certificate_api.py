"""HTTP: certificates of deposit, the keys they are signed with, and whether one is genuine."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from fastapi.openapi.models import Example
from pydantic import BaseModel, Field

from contracts.events import Attachment
from services.common import bodies, sandbox, telemetry
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, scoped
from services.common.downloads import download_headers
from services.common.problems import problems
from services.common.rates import by_network
from services.common.web import Problem
from services.ingest import attachment_store, certificate, certificate_pdf, refusals, store
from services.ingest.answering import answered
from services.ingest.api_checks import id_of
from services.ingest.certificate_keys import Keys, KeysUnusable, PublicKey
from services.ingest.domain import State
from services.ingest.examples import CERTIFICATE as SIGNED
from services.ingest.kinds import PDF
from services.ingest.settings import IngestSettings

PREFIX = "/api/v1/certificates"
#: A certificate of a deposit with all the attachments that one may have.
_MOST: Final = 2_000_000
_FILE: Final[dict[str, Any]] = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_SIGNED: Final[dict[str, Example]] = {
    "certificat": {"summary": "Le certificat tel que la plateforme l'a donné", "value": SIGNED}
}


class FileOfCertificate(BaseModel):
    """Un fichier du dépôt et son empreinte."""

    role: str
    name: str
    sha256: str
    size: int


class CertificateContent(BaseModel):
    """Ce qui est certifié. L'empreinte signée est celle de ce JSON, clés triées, sans espace, en UTF-8."""

    kind: str
    deposit: UUID
    submitted_at: str
    invoice_number: str
    issue_date: str
    cadre: str
    supplier_siret: str
    recipient_siret: str
    payable: str
    currency: str
    sandbox: str | None = Field(default=None, description="La mention d'un essai ; absente d'un vrai.")
    files: list[FileOfCertificate]


class SignatureOfCertificate(BaseModel):
    """La signature et la clé."""

    algorithm: str
    key: str
    value: str = Field(description="En base 64.")


class CertificateView(BaseModel):
    """Un certificat signé."""

    certificate: CertificateContent
    signature: SignatureOfCertificate


class KeyView(BaseModel):
    """Une clé publique. Les anciennes restent publiées : elles vérifient ce qu'elles ont signé."""

    id: str
    algorithm: str = "Ed25519"
    pem: str
    valid_from: datetime
    valid_until: datetime | None


class KeyList(BaseModel):
    """Les clés, de la plus récente à la plus ancienne."""

    keys: list[KeyView]


class VerdictView(BaseModel):
    """Ce que dit la vérification."""

    valid: bool
    code: str = Field(description="VALID, NOT_A_CERTIFICATE, KEY_UNKNOWN, SIGNATURE_WRONG ou KEY_OUT_OF_TIME.")
    reason: str
    key: str | None
    certificate: CertificateContent | None = Field(
        default=None, description="Ce qui est authentique, tel qu'il a été vérifié ; absent d'un certificat refusé."
    )


def add_routes(app: FastAPI, *, pool: Pool, api_pool: Pool, settings: IngestSettings) -> None:
    """Add the routes of certificates. ``pool`` is the worker's: the API's role may not read the keys."""
    keys = Keys(pool, settings.certificate_wrapping)
    app.include_router(_public(keys, settings))
    app.include_router(_own(keys, api_pool, settings))


def _public(keys: Keys, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["certificates"], dependencies=[Depends(by_network)])

    @router.get("/keys", summary="Les clés publiques des certificats (sans jeton)")
    async def published() -> KeyList:
        """Toutes les clés publiques, présentes et passées."""
        found = await answered(settings.store_seconds, keys.public())
        return KeyList(keys=[_key(key) for key in found])

    @router.post("/verify", summary="Vérifier un certificat (sans jeton)")
    async def verified(
        request: Request,
        document: Annotated[dict[str, Any], Body(description="Le certificat, en JSON.", openapi_examples=_SIGNED)],
    ) -> VerdictView:
        """Dit si ce certificat vient de la plateforme et s'il est entier, et redit ce qui a été vérifié.

        Un certificat dont un nom figure deux fois n'en est pas un. Rien n'est gardé de ce qui est envoyé.
        """
        given = certificate.unpacked(await request.body())  # ``document`` has lost the first of two equal names
        found = await answered(settings.store_seconds, keys.public())
        verdict = certificate.verify(given, {key.id: key for key in found})
        return VerdictView.model_validate(verdict, from_attributes=True)

    @router.post(
        "/verify/file",
        summary="Vérifier le fichier d'un certificat, PDF ou JSON (sans jeton)",
        responses=problems(413),
        openapi_extra={"requestBody": _FILE},
    )
    @bodies.takes(bodies.FILES)
    async def verified_file(request: Request) -> VerdictView:
        """La même vérification, pour le fichier tel qu'il a été reçu. Rien n'est gardé de ce qui est envoyé."""
        given = certificate.unpacked(await _whole(request))
        found = await answered(settings.store_seconds, keys.public())
        verdict = certificate.verify(given, {key.id: key for key in found})
        return VerdictView.model_validate(verdict, from_attributes=True)

    return router


async def _whole(request: Request) -> bytes:
    """The body. Raises the problem of one that is longer than any certificate."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > _MOST:
            raise refusals.file_too_large(_MOST, None)
    return bytes(found)


def _own(keys: Keys, api_pool: Pool, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["certificates"])

    @router.get(
        "/{deposit_id}",
        summary="Un certificat de dépôt",
        responses=problems(404),
        response_model_exclude_unset=True,  # what is shown is what is signed
    )
    async def one(principal: CurrentPrincipal, deposit_id: str) -> CertificateView:
        """Le certificat signé d'un de vos dépôts."""
        document = await answered(settings.store_seconds, _made(keys, api_pool, principal, deposit_id))
        return CertificateView.model_validate(document)

    @router.get(
        "/{deposit_id}/pdf",
        summary="Un certificat de dépôt, en PDF",
        response_class=Response,
        responses={200: {"content": {PDF: {}}}, **problems(404)},
    )
    async def drawn(principal: CurrentPrincipal, deposit_id: str) -> Response:
        """Le même, à imprimer ; il porte le certificat signé."""
        document = await answered(settings.store_seconds, _made(keys, api_pool, principal, deposit_id))
        content = await asyncio.to_thread(certificate_pdf.render, document)
        name = f"certificat-{document['certificate']['deposit']}.pdf"
        headers = download_headers(name, document["signature"]["key"])
        del headers["ETag"]
        return Response(content, media_type=PDF, headers=headers)

    return router


async def _made(keys: Keys, api_pool: Pool, principal: Principal, deposit_id: str) -> dict[str, Any]:
    """The signed certificate of a deposit of the asker's, always the same."""
    deposit = id_of(deposit_id)
    if deposit is None:
        raise _unknown()
    attached: list[Attachment]
    async with scoped(api_pool, principal.scope()) as connection:
        stored = await store.find(connection, deposit)
        if stored is None or stored.state is not State.SUBMITTED or stored.decided_at is None:
            raise _unknown()
        attached = await attachment_store.certified(connection, deposit)
    try:
        name, private = await keys.at(stored.decided_at)
    except KeysUnusable as error:
        telemetry.logger().error("certificate.keys_unusable")
        raise Problem(
            503,
            "CERTIFICATE_KEYS_UNUSABLE",
            "Certificat momentanément indisponible",
            "La plateforme ne peut pas ouvrir ses clés de signature : l'exploitant est prévenu.",
        ) from error
    sandbox.marked(stored.sandbox)
    return certificate.signed(certificate.content(stored, attached), private, name)


def _key(key: PublicKey) -> KeyView:
    return KeyView(id=key.id, pem=key.pem, valid_from=key.valid_from, valid_until=key.valid_until)


def _unknown() -> Problem:
    return Problem(
        404,
        "CERTIFICATE_UNKNOWN",
        "Aucun certificat",
        "Aucun de vos dépôts acceptés ne porte cet identifiant : un brouillon ou un dépôt refusé n'en a pas.",
    )

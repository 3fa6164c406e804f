"""``/api/v1/messages/proofs`` for those who may prove a notice, and the way in for bounces."""

import hmac
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.common import bodies
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, scoped
from services.common.lasting import lasting
from services.common.looks import Looking, MayLook
from services.common.problems import problems
from services.common.web import Problem
from services.notify import metrics, proof, returned, tokens
from services.notify.bounces import Bounces


class ProofView(BaseModel):
    """A notice that a relay accepted: when, its answer, how the way to it was protected."""

    message: UUID
    carrier: UUID
    subject: str
    entry: int | None
    kind: str
    audience: str
    tenant: str | None
    structure: str | None
    number: str | None
    address_sha256: str
    message_id_header: str
    created_at: datetime
    accepted_at: datetime
    attempt: int
    relay: str
    code: int
    answer: str
    tls_version: str | None
    tls_cipher: str | None


class ProofList(BaseModel):
    """The proofs of one invoice."""

    proofs: list[ProofView]


class BounceTaken(BaseModel):
    """What came of a bounce: ``dead``, ``noted``, or ``unread`` for what is no delivery report."""

    outcome: str


def add_proofs(router: APIRouter, api_pool: Pool) -> None:
    """Serve proofs on ``router``."""

    @router.get(
        "/proofs",
        summary="Preuves des avis d'une facture : instant, réponse du relais, chiffrement",
        responses=problems(401, 403, 422, 503),
    )
    async def list_proofs(
        principal: CurrentPrincipal,
        looking: MayLook,
        invoice: Annotated[UUID, Query(description="Identifiant de la facture")],
    ) -> ProofList:
        async with scoped(api_pool, principal.scope()) as connection:
            found = await proof.read(connection, subject=str(invoice))
        await looking.among(api_pool, [(one.tenant, one.message) for one in found])
        return ProofList(proofs=[ProofView(**one.as_dict()) for one in found])

    @router.get(
        "/proofs/export",
        summary="Toutes mes preuves, une par ligne (JSON)",
        response_class=StreamingResponse,
        responses=problems(401, 403, 422, 503),
    )
    async def export_proofs(request: Request, principal: CurrentPrincipal, looking: MayLook) -> StreamingResponse:
        lines = lasting(request, principal, _lines(api_pool, principal, looking))
        return StreamingResponse(lines, media_type="application/x-ndjson")


async def _lines(api_pool: Pool, principal: Principal, looking: Looking) -> AsyncIterator[bytes]:
    """Page by page, so that a slow reader holds no transaction."""
    after: UUID | None = None
    while True:
        async with scoped(api_pool, principal.scope()) as connection:
            found = await proof.read(connection, after=after)
        await looking.among(api_pool, [(one.tenant, one.message) for one in found])
        for one in found:
            yield msgspec.json.encode(one) + b"\n"
        if not found:
            return
        after = found[-1].message


def add_bounces(router: APIRouter, bounces: Bounces, secret: str) -> None:
    """Take bounces from the mail server that receives for the return address. ``secret`` is what it must say."""

    @router.post(
        "/bounces",
        status_code=202,
        summary="Remise d'un retour (serveur de messagerie)",
        responses=problems(401, 422, 503),
    )
    @bodies.takes(bodies.FILES)
    async def take(
        request: Request,
        authorization: Annotated[str, Header(max_length=500)] = "",
        recipient: Annotated[str | None, Query(max_length=300, description="L'adresse de retour (VERP)")] = None,
    ) -> BounceTaken:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode()):
            raise Problem(401, "BOUNCE_SECRET", "Secret refusé", "Donnez le secret de CHORALE_BOUNCE_SECRET.")
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > returned.MAX_BYTES:
                break  # what reports stands at the head; the rest is the mail sent back
        try:
            outcome = await bounces.take(bytes(raw[: returned.MAX_BYTES]), recipient)
        except tokens.InvalidToken as error:
            metrics.BOUNCES.labels(outcome="forged").inc()
            raise Problem(
                422, "BOUNCE_NOT_OURS", "Retour inconnu", "L'adresse de retour n'est pas signée par cette plateforme."
            ) from error
        metrics.BOUNCES.labels(outcome=outcome).inc()
        return BounceTaken(outcome=outcome)

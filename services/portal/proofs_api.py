"""``…/proofs``: papers that prove that somebody may act for a structure."""

import hashlib
import io
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response

from services.common import bodies, clock
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import BlobMissing, Blobs
from services.common.db import scoped
from services.common.downloads import download_headers
from services.common.problems import problems
from services.common.web import Problem
from services.portal import audit, cursors, proof, proof_kinds, sent_files, structure_reads
from services.portal.cursors import Cursor, Limit
from services.portal.member_desk import Desk, request_cause
from services.portal.member_views import ProofList, ProofView
from services.portal.member_words import invalid, not_found
from services.portal.parts import Parts
from services.portal.proof import Proof
from services.portal.proof_kinds import KINDS, kinds_for
from services.portal.scope import scope_of
from services.portal.structure_views import ProofKindView, ReasonIn, StructureKey, key_of

_PARIS = ZoneInfo("Europe/Paris")
_WHAT = "PROOF"
_DATES = {
    "DATE_MISSING": "La date du document manque.",
    "DATE_AHEAD": "La date du document est dans l'avenir.",
    "PROOF_TOO_OLD": "Ce document a plus de trois mois.",
}
ProofId = Annotated[UUID, Path()]


def add_routes(router: APIRouter, parts: Parts, desk: Desk, blobs: Blobs) -> None:
    """Serve them on ``router``."""
    _add_sending(router, parts, desk, blobs)
    _add_reading(router, parts, blobs)
    _add_deciding(router, parts, desk)


def _add_sending(router: APIRouter, parts: Parts, desk: Desk, blobs: Blobs) -> None:
    @router.get(
        "/proofs/kinds",
        summary="Les justificatifs possibles, par type d'identifiant",
        responses=problems(422, 503),
    )
    async def kinds() -> list[ProofKindView]:
        return [ProofKindView.of(code, kind) for code, kind in KINDS.items()]

    @router.post(
        "/structures/{structure}/proofs",
        status_code=201,
        summary="Envoie un justificatif : le corps de la demande est le fichier (PDF, JPEG ou PNG, 10 Mo au plus)",
        responses=problems(401, 403, 404, 409, 413, 415, 422, 503, titles=sent_files.titles(_WHAT)),
        openapi_extra=sent_files.OPENAPI,
    )
    @bodies.takes(bodies.FILES)
    async def submit(
        request: Request,
        structure: StructureKey,
        principal: CurrentPrincipal,
        kind: Annotated[str, Query(max_length=40, examples=["KBIS"])],
        dated: Annotated[date | None, Query(examples=["2026-11-02"])] = None,
        name: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = "justificatif",
    ) -> ProofView:
        key = key_of(structure)
        known = await structure_reads.seen(parts.pool, parts.api_pool, principal, key)
        _check(kind, dated, known.kind)
        async with desk.at(key, principal, request_cause(request)) as scene:
            await proof.may_submit(scene)  # before the file is taken in
        content = await sent_files.whole(request, _WHAT)
        media_type = sent_files.media_type(content, _WHAT)
        identity = uuid4()
        stored = await blobs.put(
            proof.object_key(principal.subject, identity),
            io.BytesIO(content),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            media_type=media_type,
        )
        async with desk.at(key, principal, request_cause(request)) as scene:
            made = await proof.submit(scene, identity, kind, dated, name, stored)
        return (await _views(parts, [made]))[0]


def _check(kind: str, dated: date | None, identifier: str) -> None:
    possible = kinds_for(identifier)
    if kind not in possible:
        words = "Ce justificatif ne prouve rien pour ce type d'identifiant."
        raise invalid("kind", kind, "PROOF_KIND", words, f"Choisissez parmi {', '.join(possible)}.")
    trouble = proof_kinds.trouble(possible[kind], dated, clock.now().astimezone(_PARIS).date())
    if trouble is not None:
        action = "Donnez la date qui figure sur un document de moins de trois mois."
        raise invalid("dated", dated.isoformat() if dated else None, trouble, _DATES[trouble], action)


async def _views(parts: Parts, found: Sequence[Proof]) -> list[ProofView]:
    async with parts.pool.acquire() as connection:
        rows = await connection.fetch(
            "select id, key, name from structure where id = any($1::uuid[])", [each.structure for each in found]
        )
    named = {row["id"]: row for row in rows}
    return [
        ProofView.model_validate(
            {
                "id": each.id,
                "structure": named[each.structure]["key"],
                "structure_name": named[each.structure]["name"],
                "subject": each.subject,
                "kind": each.kind,
                "dated": each.dated,
                "file_name": each.file_name,
                "document": each.document is not None,
                "state": each.state,
                "submitted_at": each.submitted_at,
                "decided_at": each.decided_at,
                "reason": each.reason,
            }
        )
        for each in found
    ]


async def _seen(parts: Parts, principal: Principal, identity: UUID) -> Proof:
    async with scoped(parts.api_pool, scope_of(principal)) as connection:
        found = await proof.one(connection, identity)
    if found is None:
        raise not_found("Justificatif")
    return found


def _add_reading(router: APIRouter, parts: Parts, blobs: Blobs) -> None:
    @router.get(
        "/proofs",
        summary="Mes justificatifs, et ceux qui attendent ma décision, le plus ancien d'abord",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def listed(
        principal: CurrentPrincipal,
        state: Annotated[Literal["submitted", "approved", "refused", "withdrawn"] | None, Query()] = None,
        structure: Annotated[str | None, Query(max_length=400)] = None,
        cursor: Cursor = None,
        limit: Limit = cursors.MOST,
    ) -> ProofList:
        after = cursors.read(cursor, cursors.instant, UUID)
        known = (
            await structure_reads.seen(parts.pool, parts.api_pool, principal, key_of(structure)) if structure else None
        )
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await proof.listed(connection, state, after, limit + 1, known.id if known else None)
        shown, following = cursors.cut(found, limit, lambda last: (last.submitted_at, last.id))
        return ProofList(proofs=await _views(parts, shown), next=following)

    @router.get(
        "/proofs/{proof_id}/document",
        summary="Le fichier d'un justificatif",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}, **problems(401, 403, 404, 410, 422, 503)},
    )
    async def document(request: Request, proof_id: ProofId, principal: CurrentPrincipal) -> Response:
        found = await _seen(parts, principal, proof_id)
        gone = Problem(410, "PROOF_ERASED", "Fichier effacé", "Le fichier de ce justificatif a été effacé à son terme.")
        if found.document is None:
            raise gone
        try:
            content = await blobs.get(found.document)
        except BlobMissing as error:
            raise gone from error
        if principal.subject != found.subject:
            await _note_reading(parts, principal, found, request.state.traceparent)
        suffix = sent_files.SUFFIX[found.document.media_type]
        headers = download_headers(f"justificatif-{found.id}.{suffix}")
        return Response(content, media_type=found.document.media_type, headers=headers)


async def _note_reading(parts: Parts, principal: Principal, found: Proof, traceparent: str | None) -> None:
    """Who looks into a paper of somebody else stands in the trail, before it is shown."""
    async with parts.pool.acquire() as connection, connection.transaction():
        await audit.write(
            connection,
            at=clock.now(),
            actor=principal.subject,
            action="proof.read",
            about=found.subject,
            structure=(await structure_reads.keys_of(connection, [found.structure]))[found.structure],
            traceparent=traceparent,
            details={"proof": str(found.id)},
        )


def _add_deciding(router: APIRouter, parts: Parts, desk: Desk) -> None:
    async def key(principal: Principal, identity: UUID) -> str:
        found = await _seen(parts, principal, identity)
        async with parts.pool.acquire() as connection:
            return (await structure_reads.keys_of(connection, [found.structure]))[found.structure]

    @router.post(
        "/proofs/{proof_id}/approve",
        summary="Accepte un justificatif (exploitant, ou gestionnaire de la structure)",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def approve(request: Request, proof_id: ProofId, principal: CurrentPrincipal) -> ProofView:
        async with desk.at(await key(principal, proof_id), principal, request_cause(request)) as scene:
            made = await proof.approve(scene, proof_id)
        return (await _views(parts, [made]))[0]

    @router.post(
        "/proofs/{proof_id}/refuse",
        summary="Refuse un justificatif, avec le motif (exploitant, ou gestionnaire de la structure)",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def refuse(request: Request, proof_id: ProofId, given: ReasonIn, principal: CurrentPrincipal) -> ProofView:
        async with desk.at(await key(principal, proof_id), principal, request_cause(request)) as scene:
            made = await proof.refuse(scene, proof_id, given.reason)
        return (await _views(parts, [made]))[0]

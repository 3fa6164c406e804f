"""HTTP: a piece that was sent before, and a paper that was dropped as an invoice, as attachments of a deposit."""

from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from services.common.auth import CurrentPrincipal
from services.common.may import require
from services.common.problems import problems
from services.ingest import refusals
from services.ingest.answering import answered
from services.ingest.api_checks import id_of
from services.ingest.attachment_views import AttachmentList, AttachmentView, label_of, type_of, view
from services.ingest.attachments import Attachments
from services.ingest.settings import IngestSettings
from services.ingest.views import PREFIX

_LISTED = 50
_EXAMPLE = "0190e8a0-0000-7000-8000-000000000042"


class Reuse(BaseModel):
    """Une pièce que vous avez déjà envoyée ; sans type ni libellé, ceux qu'elle avait."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"attachment": _EXAMPLE}]})
    attachment: UUID
    type: str | None = Field(default=None, max_length=100)
    label: str | None = Field(default=None, max_length=1000)


class AsAttachment(BaseModel):
    """La facture à laquelle joindre ce papier."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"to": _EXAMPLE, "type": "DOCUMENT_ANNEXE", "label": "Attestation"}]},
    )
    to: UUID = Field(description="Le dépôt qui reçoit la pièce.")
    type: str = Field(max_length=100)
    label: str = Field(max_length=1000)


def add_routes(app: FastAPI, *, attachments: Attachments, settings: IngestSettings) -> None:
    """Add the three routes."""
    router = APIRouter(prefix=PREFIX, tags=["attachments"])
    answers = problems(403, 404, 409, 410, 413, 422, 429, 503)

    @router.post(
        "/{deposit_id}/attachments/reuse",
        status_code=201,
        responses=answers,
        summary="Joindre une pièce déjà envoyée",
    )
    async def reuse(request: Request, principal: CurrentPrincipal, deposit_id: str, asked: Reuse) -> AttachmentView:
        """Joint à ce dépôt une pièce que vous avez envoyée avec un autre, sans l'envoyer de nouveau."""
        require(principal, "attachment.add")
        type_ = None if asked.type is None else type_of(asked.type)
        label = None if asked.label is None else label_of(asked.label)
        trace = request.state.traceparent
        joining = attachments.reuse(principal, _deposit(deposit_id), asked.attachment, type_, label, trace)
        return view(await answered(settings.store_seconds, joining), principal, settings)

    @router.get(
        "/{deposit_id}/attachments/reusable",
        responses=problems(404, 429),
        summary="Les pièces que vous avez déjà envoyées et pouvez reprendre",
    )
    async def reusable(principal: CurrentPrincipal, deposit_id: str) -> AttachmentList:
        """Vos dernières pièces jointes à d'autres dépôts, chacune une fois, sans celles que ce dépôt a déjà."""
        listing = attachments.reusable(principal, _deposit(deposit_id), _LISTED)
        found = await answered(settings.store_seconds, listing)
        return AttachmentList(attachments=[view(kept, principal, settings) for kept in found])

    @router.post(
        "/{deposit_id}/as-attachment",
        status_code=201,
        responses=answers,
        summary="Faire d'un papier déposé comme facture une pièce jointe",
    )
    async def as_attachment(
        request: Request, principal: CurrentPrincipal, deposit_id: str, asked: AsAttachment
    ) -> AttachmentView:
        """Ce papier n'était pas une facture : il devient une pièce jointe d'une autre, et son brouillon disparaît."""
        require(principal, "attachment.add")
        type_, label = type_of(asked.type), label_of(asked.label)
        trace = request.state.traceparent
        joining = attachments.from_draft(principal, _deposit(deposit_id), asked.to, type_, label, trace)
        return view(await answered(settings.store_seconds, joining), principal, settings)

    app.include_router(router)


def _deposit(text: str) -> UUID:
    found = id_of(text)
    if found is None:
        raise refusals.unknown_deposit()
    return found

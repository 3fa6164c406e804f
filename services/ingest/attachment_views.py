"""What the API shows of attachments, and what it asks of their type and label."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.common import links
from services.common.auth import Principal
from services.ingest import attachment_refusals
from services.ingest.attachment_kinds import TYPES
from services.ingest.attachment_store import Kept
from services.ingest.settings import IngestSettings

MAX_LABEL = 100


class AttachmentView(BaseModel):
    """An attachment. ``href`` opens it without a token until ``href_expires_at``."""

    id: UUID = Field(description="À nommer pour compléter une facture suspendue.")
    name: str = Field(description="Le nom donné par le déposant, entier.")
    short_name: str = Field(description="Son nom dans les échanges : 50 caractères au plus, unique dans le dépôt.")
    type: str
    type_label: str
    label: str | None
    media_type: str
    size: int = Field(description="En octets.")
    sha256: str
    stored_at: datetime
    href: str
    href_expires_at: datetime


class TypeView(BaseModel):
    """Un type de pièce : son code, et ce qu'il veut dire."""

    code: str
    label: str


class AttachmentList(BaseModel):
    """The attachments of a deposit, oldest first, and what else a piece may be."""

    attachments: list[AttachmentView]
    types: list[TypeView] = Field(
        default=[TypeView(code=code, label=label) for code, label in TYPES.items()],
        description="Les types qu'une pièce jointe peut avoir.",
    )


def type_of(text: str) -> str:
    """The type of a piece. Raises the problem of one that is missing or unknown."""
    given = text.strip()
    if not given:
        raise attachment_refusals.type_missing()
    if given not in TYPES:
        raise attachment_refusals.type_unknown(given)
    return given


def label_of(text: str) -> str:
    """The label of a piece. Raises the problem of one that is missing, too long or unprintable."""
    given = text.strip()
    if not given:
        raise attachment_refusals.label_missing()
    if len(given) > MAX_LABEL or not given.isprintable():
        raise attachment_refusals.label_invalid(given, MAX_LABEL)
    return given


def view(kept: Kept, principal: Principal, settings: IngestSettings) -> AttachmentView:
    """An attachment, with a link that opens it to the caller."""
    link = links.attachment(settings.token_secret.get_secret_value(), kept.deposit, kept.id, principal.holder)
    return AttachmentView(
        id=kept.id,
        name=kept.name,
        short_name=kept.short_name,
        type=kept.type,
        type_label=TYPES.get(kept.type, kept.type),
        label=kept.label,
        media_type=kept.document.media_type,
        size=kept.document.size,
        sha256=kept.document.sha256,
        stored_at=kept.stored_at,
        href=link.href,
        href_expires_at=link.expires_at,
    )

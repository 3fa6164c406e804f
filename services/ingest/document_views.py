"""What the API shows of the document itself: values with their evidence, what it carries, its pages."""

from datetime import datetime

from pydantic import BaseModel, Field

from contracts.events import ReadField
from services.common.links import PagesLink
from services.ingest.domain import Contents, State
from services.ingest.store import Stored


class CandidateView(BaseModel):
    """Another value that was considered, with its place; ``score`` from 0 to 1."""

    value: str
    page: int
    box: tuple[float, float, float, float]
    keyword: str
    raw: str
    score: float


class FieldView(BaseModel):
    """A value read on the document, with its evidence. ``box``: x0, y0, x1, y1 in PDF points from the bottom left.

    A value of a data file that no page shows has page 0 and an empty box; ``keyword`` is its term of EN 16931.
    """

    name: str
    value: str
    confidence: str
    page: int
    box: tuple[float, float, float, float]
    keyword: str
    raw: str
    candidates: list[CandidateView]


class SignatureView(BaseModel):
    """An electronic signature. ``whole``: it covers the document as it stands. Whom to trust is not said."""

    state: str
    whole: bool
    signed_at: datetime | None


class FileView(BaseModel):
    """A file carried inside the document."""

    name: str
    media_type: str
    size: int
    description: str | None


class ContentsView(BaseModel):
    """What the document is: where its values come from, how many lines its data hold, what it carries."""

    source: str = Field(description="text, facturx, ubl, cii, cpp")
    lines: int
    signatures: list[SignatureView]
    embedded: list[FileView]


class PagesView(BaseModel):
    """A short-lived link to the pages as pictures, which opens without a token until ``expires_at``."""

    template: str = Field(description="L'adresse d'une page : son numéro, à partir de 1, remplace {n}.")
    index: str = Field(description="L'adresse de la liste des pages.")
    expires_at: datetime
    sizes: list[tuple[float, float]] = Field(description="Largeur et hauteur de chaque page, en points PDF.")


def field(read: ReadField) -> FieldView:
    """A value with its evidence."""
    return FieldView.model_validate(read, from_attributes=True)


def contents(found: Contents) -> ContentsView:
    """What the document is and carries."""
    return ContentsView.model_validate(found, from_attributes=True)


def pages(stored: Stored, link: PagesLink) -> PagesView | None:
    """The link to the pages, where there are some."""
    if stored.contents is None or not stored.contents.page_sizes:
        return None
    sizes = list(stored.contents.page_sizes)
    return PagesView(template=link.template, index=link.index, expires_at=link.expires_at, sizes=sizes)


def no_pages(stored: Stored) -> str:
    """Why there is no page to show."""
    if stored.state is State.RECEIVED:
        return "Les pages seront visibles dès que le document aura été lu."
    if stored.state is State.DUPLICATE:
        return "Les pages sont celles du premier dépôt de ce document."
    if not stored.document.sha256:
        return "Ce brouillon est saisi : son document sera fait à l'envoi."
    if stored.contents is None and stored.state is State.REFUSED:
        return "Ce document n'a pas pu être ouvert : il n'y a pas de page à montrer."
    if stored.contents is None or stored.contents.source == "text":
        return "Les pages de ce document, lu il y a longtemps, ne sont pas disponibles."
    return "Ce document est un fichier de données XML : il n'a pas de page à montrer."

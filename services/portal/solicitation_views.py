"""What the API says of sollicitations. The other side learns the role and the place, never the person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from invoice.solicitations import CATEGORIES, Addressee, label
from services.portal.solicitation import Act, Entry, Kind, Paper, Place, Side, Solicitation, State
from services.portal.solicitation_papers import EACH_MESSAGE

_CLEAN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PARAGRAPHS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
#: A path of the platform: ``//`` would name another host.
PATH = r"^/([^/\x00-\x20\x7f-\x9f\\][^\x00-\x20\x7f-\x9f\\]*)?$"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=150, pattern=_CLEAN)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=4000, pattern=_PARAGRAPHS)]
Code = Annotated[str, StringConstraints(max_length=60, pattern=r"^[A-Z_]+$")]
Papers = Annotated[list[UUID], Field(max_length=EACH_MESSAGE, description="Pièces envoyées avant, cinq au plus")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubcategoryView(BaseModel):
    """A line of the list: who answers, within how many days, whether it must be about an invoice."""

    code: str
    label: str
    label_en: str
    addressee: Addressee
    days: int
    invoice_needed: bool


class CategoryView(BaseModel):
    """A category with its sub-categories."""

    code: str
    label: str
    label_en: str
    subcategories: list[SubcategoryView]


class SolicitationIn(_In):
    """A question. ``invoice``, or ``structure`` with perhaps ``service``: whom it is for, where a body answers.

    ``on_behalf``: in whose name, a SIRET or ``SIRET/service``; with an invoice it follows from it. ``page``: the page
    on which the question came up, a path of the platform.
    """

    category: Code = Field(examples=["FACTURES_EMISES"])
    subcategory: Code = Field(examples=["RETARD_PAIEMENT"])
    title: Title = Field(examples=["Facture F-2026-0042 : paiement attendu"])
    text: Text = Field(examples=["Bonjour, le délai de paiement est passé depuis dix jours. Que manque-t-il ?"])
    invoice: UUID | None = Field(None, examples=["0190e8a0-0000-7000-8000-000000000042"])
    structure: str | None = Field(None, max_length=20, pattern=r"^\d{14}$", examples=["22060001900016"])
    service: Annotated[str, Field(max_length=100, pattern=_CLEAN)] | None = None
    on_behalf: Annotated[str, Field(max_length=400, pattern=_CLEAN)] | None = None
    page: Annotated[str, Field(max_length=300, pattern=PATH)] | None = None
    attachments: Papers = []


class MessageIn(_In):
    """What is written next: an answer, or another question."""

    text: Text = Field(examples=["Bonjour, le bon de livraison signé n'était pas joint : il vient d'arriver."])
    attachments: Papers = []


class ClosingIn(_In):
    """The end, perhaps with a word."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=_PARAGRAPHS)] = ""


class PlaceView(BaseModel):
    """One side. ``mine``: the caller stands on it."""

    kind: Kind
    label: str
    structure: str | None
    name: str | None
    service: str | None
    mine: bool


class AttachmentView(BaseModel):
    """A file. ``available`` is false once it has been erased."""

    id: UUID
    name: str
    size: int
    available: bool


class EntryView(BaseModel):
    """One line of the story. ``author``: by name, for one's own side only."""

    entry: int
    act: Act
    label: str
    side: Side
    mine: bool
    author: str | None
    text: str | None
    at: datetime
    attachments: list[AttachmentView]


class SolicitationItem(BaseModel):
    """A sollicitation in a list. ``turn``: who is waited for; ``late``: the delay has passed without an answer."""

    id: UUID
    reference: str
    category: str
    subcategory: str
    label: str
    title: str
    state: State
    state_label: str
    turn: Literal["asker", "addressee"] | None
    my_turn: bool
    late: bool
    asker: PlaceView
    addressee: PlaceView
    invoice: UUID | None
    invoice_number: str | None
    asked_at: datetime
    due_at: datetime | None
    changed_at: datetime


class SolicitationPage(BaseModel):
    """What moved last first. ``next`` is the cursor of the page after, absent on the last."""

    solicitations: list[SolicitationItem]
    next: str | None


class SolicitationView(SolicitationItem):
    """A sollicitation with its story. ``may``: what the caller may do now (``answer``, ``ask_again``, ``close``)."""

    page: str | None
    days: int
    closed_at: datetime | None
    may: list[Literal["answer", "ask_again", "close"]]
    history: list[EntryView]


_KINDS: Mapping[Kind, str] = {
    "person": "Demandeur",
    "support": "Assistance de la plateforme",
    "supplier": "Fournisseur",
    "body": "Organisme public",
    "validator": "Valideur",
    "moe": "Maître d'œuvre",
    "moa": "Maître d'ouvrage",
}
_STATES: Mapping[State, str] = {"waiting": "En attente de réponse", "answered": "Répondue", "closed": "Close"}
_ACTS: Mapping[Act, str] = {
    "asked": "Question posée",
    "asked_again": "Nouvelle question",
    "answered": "Réponse",
    "reminded": "Rappel envoyé à celui qui doit répondre",
    "overdue": "Restée sans réponse dans le délai",
    "closed": "Sollicitation close",
}


class Reader:
    """Who reads: which sides are his, and the names that may be shown to him."""

    def __init__(self, *, asks: bool, answers: bool, names: Mapping[str, str], people: Mapping[str, str]) -> None:
        self.asks = asks
        self.answers = answers
        self.names = names
        self.people = people

    def mine(self, side: Side) -> bool:
        """Whether he stands on that side."""
        return self.asks if side == "asker" else self.answers if side == "addressee" else False


def categories() -> list[CategoryView]:
    """The whole list."""
    return [
        CategoryView(
            code=code,
            label=category.label,
            label_en=category.en,
            subcategories=[
                SubcategoryView(
                    code=name,
                    label=line.label,
                    label_en=line.en,
                    addressee=line.to,
                    days=line.days,
                    invoice_needed=line.invoice,
                )
                for name, line in category.subcategories.items()
            ],
        )
        for code, category in CATEGORIES.items()
    ]


def _place(place: Place, reader: Reader, *, mine: bool) -> PlaceView:
    return PlaceView(
        kind=place.kind,
        label=_KINDS[place.kind],
        structure=place.structure,
        name=reader.names.get(place.structure or ""),
        service=place.service,
        mine=mine,
    )


def item(found: Solicitation, reader: Reader, now: datetime) -> SolicitationItem:
    """As it stands in a list."""
    turn: Literal["asker", "addressee"] | None = None
    if found.state != "closed":
        turn = "addressee" if found.state == "waiting" else "asker"
    return SolicitationItem(
        id=found.id,
        reference=found.reference,
        category=found.category,
        subcategory=found.subcategory,
        label=label(found.category, found.subcategory),
        title=found.title,
        state=found.state,
        state_label=_STATES[found.state],
        turn=turn,
        my_turn=turn is not None and reader.mine(turn),
        late=found.due_at is not None and found.due_at < now,
        asker=_place(found.asking, reader, mine=reader.asks),
        addressee=_place(found.asked, reader, mine=reader.answers),
        invoice=found.invoice,
        invoice_number=found.invoice_number,
        asked_at=found.asked_at,
        due_at=found.due_at,
        changed_at=found.changed_at,
    )


def whole(
    found: Solicitation, entries: Sequence[Entry], papers: Sequence[Paper], reader: Reader, now: datetime
) -> SolicitationView:
    """With its story."""
    may: list[Literal["answer", "ask_again", "close"]] = []
    if found.state != "closed":
        may += ["answer"] if reader.answers else []
        may += ["ask_again"] if reader.asks else []
        may += ["close"] if reader.asks or (reader.answers and found.state == "answered") else []
    return SolicitationView(
        **item(found, reader, now).model_dump(),
        page=found.page if reader.asks or found.addressee == "support" else None,
        days=found.days,
        closed_at=found.closed_at,
        may=may,
        history=[_entry(entry, [p for p in papers if p.entry == entry.entry], reader) for entry in entries],
    )


def _entry(entry: Entry, papers: Sequence[Paper], reader: Reader) -> EntryView:
    mine = reader.mine(entry.side)
    return EntryView(
        entry=entry.entry,
        act=entry.act,
        label=_ACTS[entry.act],
        side=entry.side,
        mine=mine,
        author=reader.people.get(entry.author or "") if mine else None,
        text=entry.said,
        at=entry.at,
        attachments=[attachment(paper) for paper in papers],
    )


def attachment(paper: Paper) -> AttachmentView:
    """A file."""
    return AttachmentView(id=paper.id, name=paper.file_name, size=paper.size, available=paper.document is not None)

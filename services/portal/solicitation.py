"""A sollicitation as it is kept: two sides, whose turn it is, what was written."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from contracts.events import ClaimCheck
from invoice.solicitations import Addressee
from services.common.db import Connection

Asker = Literal["person", "supplier", "body", "validator", "moe", "moa"]
Kind = Literal["person", "support", "supplier", "body", "validator", "moe", "moa"]
State = Literal["waiting", "answered", "closed"]
Act = Literal["asked", "asked_again", "answered", "reminded", "overdue", "closed"]
Side = Literal["asker", "addressee", "platform"]
#: What the letters show, and what people say on the telephone.
PREFIX: Final = "S-"
COLUMNS: Final = (
    "id, number, category, subcategory, title, asker, asker_structure, asker_service, addressee, addressee_structure,"
    " addressee_service, tenant, author, invoice, invoice_number, supplier, page, state, turn, entries, days, asked_at,"
    " due_at, changed_at, answered_at, closed_at"
)
_ENTRY: Final = "id, solicitation, entry, act, side, author, said, at"
_PAPER: Final = "id, owner, solicitation, entry, file_name, size, document::text, sent_at"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One side: what it is and where. ``tenant``: of a body."""

    kind: Kind
    structure: str | None = None
    service: str | None = None
    tenant: str | None = None


class Solicitation(msgspec.Struct, frozen=True, kw_only=True):
    """A row. ``turn`` counts the times it was the addressee's turn; ``due_at``: until when, while it is."""

    id: UUID
    number: int
    category: str
    subcategory: str
    title: str
    asker: Asker
    asker_structure: str | None
    asker_service: str | None
    addressee: Addressee
    addressee_structure: str | None
    addressee_service: str | None
    tenant: str | None
    author: str
    invoice: UUID | None
    invoice_number: str | None
    supplier: str | None
    page: str | None
    state: State
    turn: int
    entries: int
    days: int
    asked_at: datetime
    due_at: datetime | None
    changed_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None

    @property
    def reference(self) -> str:
        """How people name it."""
        return reference(self.number)

    @property
    def key(self) -> str:
        """By what its events are keyed: they take their place in the story of the invoice."""
        return str(self.invoice or self.id)

    @property
    def asking(self) -> Place:
        """The side that asked."""
        tenant = self.tenant if self.asker == "body" else None
        return Place(kind=self.asker, structure=self.asker_structure, service=self.asker_service, tenant=tenant)

    @property
    def asked(self) -> Place:
        """The side that answers."""
        tenant = self.tenant if self.addressee == "body" else None
        return Place(
            kind=self.addressee, structure=self.addressee_structure, service=self.addressee_service, tenant=tenant
        )

    @property
    def body(self) -> Place | None:
        """The public body among the two, if there is one."""
        return next((place for place in (self.asked, self.asking) if place.kind == "body"), None)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, or what happened by itself. ``said`` None: erased, or nothing was said."""

    id: UUID
    solicitation: UUID
    entry: int
    act: Act
    side: Side
    author: str | None
    said: str | None
    at: datetime


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent. ``document`` None: it has been erased."""

    id: UUID
    owner: str
    solicitation: UUID | None
    entry: int | None
    file_name: str
    size: int
    document: ClaimCheck | None
    sent_at: datetime


def reference(number: int) -> str:
    """``S-0000042``."""
    return f"{PREFIX}{number:07}"


def row_of(row: asyncpg.Record) -> Solicitation:
    """A row of ``solicitation``."""
    return Solicitation(**dict(row))


def paper_of(row: asyncpg.Record) -> Paper:
    """A row of ``solicitation_paper``."""
    found: dict[str, Any] = dict(row)
    document = found["document"]
    return Paper(**{**found, "document": msgspec.json.decode(document, type=ClaimCheck) if document else None})


async def one(connection: Connection, identity: UUID) -> Solicitation | None:
    """A sollicitation; through the API's role, only one of the caller's."""
    row = await connection.fetchrow(f"select {COLUMNS} from solicitation where id = $1", identity)
    return None if row is None else row_of(row)


async def entries_of(connection: Connection, identity: UUID) -> list[Entry]:
    """The story of a sollicitation, oldest first."""
    rows = await connection.fetch(
        f"select {_ENTRY} from solicitation_entry where solicitation = $1 order by entry", identity
    )
    return [Entry(**dict(row)) for row in rows]


async def papers_of(connection: Connection, identity: UUID) -> list[Paper]:
    """The files of a sollicitation, in the order in which they were sent."""
    rows = await connection.fetch(
        f"select {_PAPER} from solicitation_paper where solicitation = $1 order by entry, sent_at, id", identity
    )
    return [paper_of(row) for row in rows]


async def loose_papers(connection: Connection, owner: str, ids: Collection[UUID]) -> list[Paper]:
    """Those of these files that this person sent and that are joined to nothing yet; locked for the transaction."""
    rows = await connection.fetch(
        f"select {_PAPER} from solicitation_paper where id = any($1::uuid[]) and owner = $2 and solicitation is null"
        " and document is not null for update",
        list(ids),
        owner,
    )
    return [paper_of(row) for row in rows]


async def contents_of(connection: Connection, owner: str, ids: Sequence[UUID]) -> list[str]:
    """What these files are, in this order: the hash of what was sent, the id of one that this person has not sent."""
    rows = await connection.fetch(
        "select id, document ->> 'sha256' as content from solicitation_paper where id = any($1::uuid[]) and owner = $2",
        list(ids),
        owner,
    )
    known = {row["id"]: row["content"] for row in rows}
    return [known.get(each) or str(each) for each in ids]


async def drop_papers(connection: Connection, papers: Sequence[UUID]) -> None:
    """Forget these files."""
    await connection.execute("delete from solicitation_paper where id = any($1::uuid[])", list(papers))


async def join_papers(connection: Connection, papers: Sequence[UUID], identity: UUID, entry: int) -> None:
    """These files belong to what was written."""
    await connection.execute(
        "update solicitation_paper set solicitation = $2, entry = $3 where id = any($1::uuid[])",
        list(papers),
        identity,
        entry,
    )

"""What a new draft takes over from an earlier deposit: made again after a rejection, or as last time."""

from uuid import UUID

import msgspec

from contracts.events import ReadField
from invoice.cadres import Given
from invoice.model import InvoiceHeader
from invoice.typed import Sheet
from services.common.auth import Principal
from services.common.db import Connection, Pool, scoped
from services.ingest import draft_refusals, draft_rules
from services.ingest.depositing import depositor
from services.ingest.domain import Contents, State
from services.ingest.draft_rules import Filled

_header = msgspec.json.Decoder(InvoiceHeader).decode
_given = msgspec.json.Decoder(Given).decode
_fields = msgspec.json.Decoder(tuple[ReadField, ...]).decode
_contents = msgspec.json.Decoder(Contents).decode
_sheet = msgspec.json.Decoder(Sheet).decode


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit of the asker's, or of a structure of his. ``header``: of an invoice; ``sheet``: where it was typed."""

    state: State
    rejected: bool
    header: InvoiceHeader | None
    given: Given
    fields: tuple[ReadField, ...]
    contents: Contents | None
    sheet: Sheet | None

    @property
    def offered(self) -> bool:
        """Whether it can be made again: an invoice that was rejected, or a deposit that was refused at entry."""
        return self.rejected or self.state is State.REFUSED


async def source(connection: Connection, deposit: UUID) -> Source | None:
    """The deposit, as far as the connection's scope may take it over."""
    row = await connection.fetchrow("select * from made_again($1)", deposit)
    if row is None:
        return None
    return Source(
        state=State(row["state"]),
        rejected=row["rejected"],
        header=row["header"] and _header(row["header"]),
        given=_given(row["given"]),
        fields=_fields(row["fields"]),
        contents=row["contents"] and _contents(row["contents"]),
        sheet=row["sheet"] and _sheet(row["sheet"]),
    )


async def again(api_pool: Pool, principal: Principal, deposit: UUID) -> tuple[Filled, bool]:
    """All but the number of an invoice that was rejected: it stays taken (decisions.md 7).

    Of a deposit that was refused at entry everything that was read, its number too: none was taken (decisions.md 14);
    and whether its document goes along. A page that says what is wrong is corrected in the form as any that was read
    in part; a data file or one that was never opened would still say otherwise than the form.
    Raises the problem of what is neither.
    """
    async with scoped(api_pool, principal.scope()) as connection:
        found = await source(connection, deposit)
    if found is None:
        raise draft_refusals.nothing_to_copy()
    if not found.offered:
        raise draft_refusals.not_rejected(found.state)
    if found.header is None:
        kept = draft_rules.prefilled(found.fields, found.contents, found.given, depositor(principal).at("FOURNISSEUR"))
        document = found.contents is not None and found.contents.source == "text"
        return msgspec.structs.replace(kept, sources=dict.fromkeys(kept.sources, "kept")), document
    return draft_rules.copied(found.header, found.given, found.sheet, keep_dates=True), False


async def like_last(api_pool: Pool, principal: Principal, recipient: str) -> tuple[UUID, Filled]:
    """The same from the last invoice of the asker, or of structures that he issues for, to a recipient: no dates."""
    async with scoped(api_pool, principal.scope()) as connection:
        last = await connection.fetchval("select last_invoice_to($1)", recipient)
        found = None if last is None else await source(connection, last)
    if found is None or found.header is None:
        raise draft_refusals.nothing_to_copy()
    return last, draft_rules.copied(found.header, found.given, found.sheet, keep_dates=False)

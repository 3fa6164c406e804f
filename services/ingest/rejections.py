"""Which submitted invoices were rejected since: a credit note about one of them is stopped before it takes a number."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from contracts.events import ActionRecorded, DelayAtRisk, Payload, RoutingRequested, StatusChanged
from invoice.checks_history import CREDIT_NOTE, Earlier, check_preceding
from invoice.identifiers import normalise
from services.common.db import Connection
from services.ingest.domain import State, Verdict

#: Nothing is owed of an invoice in one of these. A refused request for direct payment (S3) leaves it again.
REJECTED: Final = frozenset({"REJETEE", "REFUSEE_1", "REFUSEE_2", "REFUSEE_MOE", "REFUSEE_MOA", "REFUSEE_FOURNISSEUR"})


def of_no_use(data: Payload) -> bool:
    """Events of an invoice's life that say nothing of a rejection: the consumer skips them."""
    match data:
        case StatusChanged():
            return not REJECTED & {data.status_to, data.status_from}
        case ActionRecorded() | RoutingRequested() | DelayAtRisk():
            return True
        case _:
            return False


async def note(connection: Connection, changes: Sequence[tuple[UUID, StatusChanged]]) -> None:
    """Keep who was rejected, or is so no longer. The changes of one invoice come in their order."""
    now = {
        invoice: change.status_to in REJECTED
        for invoice, change in changes
        if change.status_to in REJECTED or change.status_from in REJECTED
    }
    if now:
        await connection.execute(
            "update earlier_invoice as e set rejected = n.rejected from unnest($1::uuid[], $2::boolean[])"
            " as n(deposit, rejected) where e.deposit_id = n.deposit and e.rejected <> n.rejected",
            list(now),
            list(now.values()),
        )


async def stopped(connection: Connection, verdicts: Mapping[UUID, Verdict]) -> dict[UUID, Verdict]:
    """The verdicts that are otherwise: credit notes that would be submitted, about an invoice that was rejected."""
    notes = {
        deposit: (verdict.tenant, normalise(verdict.header.supplier_siret), verdict.header.preceding_invoice.strip())
        for deposit, verdict in verdicts.items()
        if verdict.state is State.SUBMITTED and verdict.header is not None
        if verdict.header.type_code == CREDIT_NOTE and verdict.header.preceding_invoice
    }
    found = await about(connection, notes)
    return {deposit: refused for deposit in found if (refused := _refused(verdicts[deposit], found[deposit]))}


async def about(connection: Connection, notes: Mapping[UUID, tuple[str | None, str, str]]) -> dict[UUID, list[Earlier]]:
    """The rejected invoices that credit notes are about: of each its tenant, its supplier, the number it names."""
    if not notes:
        return {}
    # Two years may have used one number: about one that stands, the credit note is taken.
    rows = await connection.fetch(
        "select n.deposit, e.number, e.issue_date, e.total, e.type_code from earlier_invoice as e"
        " join unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as n(deposit, tenant, supplier, number)"
        " on e.tenant = n.tenant and e.supplier = n.supplier and e.number = n.number where e.rejected and not exists"
        " (select from earlier_invoice as o where o.tenant = e.tenant and o.supplier = e.supplier"
        "  and o.number = e.number and o.type_code = e.type_code and not o.rejected)",
        list(notes),
        *(list(column) for column in zip(*notes.values(), strict=True)),
    )
    found: dict[UUID, list[Earlier]] = {}
    for row in rows:
        earlier = Earlier(
            invoice_number=row["number"],
            issue_date=row["issue_date"],
            total_incl_tax=row["total"],
            type_code=row["type_code"],
            rejected=True,
        )
        found.setdefault(row["deposit"], []).append(earlier)
    return found


def _refused(verdict: Verdict, earlier: Sequence[Earlier]) -> Verdict | None:
    assert verdict.header is not None
    said = check_preceding(verdict.header, earlier)
    if not said:
        return None
    return msgspec.structs.replace(
        verdict, state=State.REFUSED, findings=(*said, *verdict.findings), header=None, works=None
    )

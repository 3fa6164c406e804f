"""What a supplier's earlier invoices say about new ones: read before a batch is decided, kept with its decision."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.events import ReadField
from invoice import cadres
from invoice.cadres import Depositor
from invoice.checks_history import CREDIT_NOTE, Earlier, check_history, check_preceding
from invoice.findings import Finding
from invoice.identifiers import normalise
from invoice.model import InvoiceHeader
from services.common.db import Connection
from services.ingest import depositing, draft_rules, rejections
from services.ingest.domain import Deposit, State, Verdict
from services.ingest.draft_rules import Examined

_ROWS = "unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::numeric[], $6::text[], $7::text[])"
_KNOWN_ACCOUNTS = 20  # of one supplier; who has more changes accounts all the time


class New(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice to be submitted: for whom, what it says, the account that was surely read.

    ``named``: its depositor sees what others deposited for the supplier, so an earlier invoice may be named to him.
    """

    deposit: UUID
    tenant: str
    header: InvoiceHeader
    named: bool
    iban: str | None = None

    @property
    def supplier(self) -> str:
        """The SIRET, as it is compared."""
        return normalise(self.header.supplier_siret)

    @property
    def number(self) -> str:
        """The invoice number, as it is compared."""
        return self.header.invoice_number.strip()


def new(deposit: Deposit, verdict: Verdict, fields: Sequence[ReadField]) -> New | None:
    """What is compared and kept of a verdict; None where it submits nothing."""
    if verdict.state is not State.SUBMITTED or verdict.header is None or verdict.tenant is None:
        return None
    found = [field.value for field in fields if field.name == "supplier_iban" and field.confidence == "sure"]
    iban = found[0] if len(found) == 1 else None
    named = depositing.sees(deposit.by, normalise(verdict.header.supplier_siret))
    return New(deposit=deposit.id, tenant=verdict.tenant, header=verdict.header, named=named, iban=iban)


async def compared(connection: Connection, invoices: Sequence[New]) -> dict[UUID, tuple[Finding, ...]]:
    """The findings about each invoice. Two of one batch are not compared with each other."""
    if not invoices:
        return {}
    accounts = await _accounts(connection, invoices)
    # The pieces of a works file tell one amount again and again: that is what they are for.
    same = await _same(connection, [one for one in invoices if not cadres.of(one.header).works])
    return {
        one.deposit: check_history(
            one.header,
            one.iban,
            same.get(one.deposit, ()),
            accounts.get((one.tenant, one.supplier), ()),
            named=one.named,
        )
        for one in invoices
    }


async def _accounts(connection: Connection, invoices: Sequence[New]) -> dict[tuple[str, str], list[str]]:
    """The accounts that each supplier named to each tenant, the latest first."""
    keys = sorted({(one.tenant, one.supplier) for one in invoices})
    rows = await connection.fetch(
        "select k.tenant, k.supplier, a.iban from unnest($1::text[], $2::text[]) as k(tenant, supplier)"
        " cross join lateral (select iban, first_at from supplier_account as s where s.tenant = k.tenant"
        "  and s.supplier = k.supplier order by first_at desc limit $3) as a order by a.first_at desc",
        [tenant for tenant, _ in keys],
        [supplier for _, supplier in keys],
        _KNOWN_ACCOUNTS,
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        found.setdefault((row["tenant"], row["supplier"]), []).append(row["iban"])
    return found


async def _same(connection: Connection, invoices: Sequence[New]) -> dict[UUID, list[Earlier]]:
    """For each invoice one earlier of the same supplier, date and amount under another number, if any.

    One step of the index for each: who sends thousands of one amount on one day would else be compared with them all.
    """
    rows = await connection.fetch(
        "select n.deposit, e.number from"
        f" {_ROWS} as n(deposit, tenant, supplier, day, total, type_code, number)"
        " cross join lateral (select e.number from earlier_invoice as e where e.tenant = n.tenant"
        "  and e.supplier = n.supplier and e.issue_date = n.day and e.total = n.total and e.type_code = n.type_code"
        "  and e.number <> n.number order by e.tenant, e.supplier, e.issue_date, e.total, e.type_code, e.number"
        "  limit 1) as e",
        *_columns(invoices),
    )
    headers = {one.deposit: one.header for one in invoices}
    return {row["deposit"]: [_earlier(headers[row["deposit"]], row["number"])] for row in rows}


def _columns(invoices: Sequence[New]) -> list[list[object]]:
    """What invoices are compared by, as :data:`_ROWS` takes it."""
    return [
        [one.deposit for one in invoices],
        [one.tenant for one in invoices],
        [one.supplier for one in invoices],
        [one.header.issue_date for one in invoices],
        [one.header.total_incl_tax for one in invoices],
        [one.header.type_code for one in invoices],
        [one.number for one in invoices],
    ]


def _earlier(header: InvoiceHeader, number: str) -> Earlier:
    return Earlier(
        invoice_number=number,
        issue_date=header.issue_date,
        total_incl_tax=header.total_incl_tax,
        type_code=header.type_code,
    )


async def of_draft(connection: Connection, draft: UUID, examined: Examined, by: Depositor) -> tuple[Finding, ...]:
    """The same of what a person has written so far, and whether a credit note's invoice was rejected.

    Nothing of an invoice that is not his to send: anybody can write any supplier's SIRET.
    """
    if not draft_rules.comparable(examined) or examined.tenant is None:
        return ()
    header = examined.assembled.provisional
    if not draft_rules.sendable(examined.assembled, by):
        return ()
    named = depositing.sees(by, normalise(header.supplier_siret))
    one = New(deposit=draft, tenant=examined.tenant, header=header, named=named, iban=examined.iban)
    said = (await compared(connection, [one])).get(draft, ())
    if header.type_code != CREDIT_NOTE or not header.preceding_invoice:
        return said
    notes = {draft: (one.tenant, one.supplier, header.preceding_invoice.strip())}
    rejected = await rejections.about(connection, notes)
    return (*check_preceding(header, rejected.get(draft, ())), *said)


def told(verdict: Verdict, findings: Sequence[Finding]) -> Verdict:
    """The verdict with what the history warns of."""
    return msgspec.structs.replace(verdict, findings=(*verdict.findings, *findings)) if findings else verdict


async def keep(connection: Connection, invoices: Sequence[New]) -> None:
    """Keep what later invoices are compared with. Sorted, so that two batches never cross."""
    if not invoices:
        return
    ordered = sorted(invoices, key=lambda one: one.deposit)
    await connection.execute(
        "insert into earlier_invoice (deposit_id, tenant, supplier, issue_date, total, type_code, number) select * from"
        f" {_ROWS}"
        " on conflict (deposit_id) do nothing",
        *_columns(ordered),
    )
    named = sorted({(one.tenant, one.supplier, one.iban): one.deposit for one in ordered if one.iban}.items())
    await connection.execute(
        "insert into supplier_account (tenant, supplier, iban, first_deposit, first_at)"
        " select tenant, supplier, iban, deposit, clock_timestamp() from"
        " unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) as n(tenant, supplier, iban, deposit)"
        " on conflict (tenant, supplier, iban) do nothing",
        [tenant for (tenant, _, _), _ in named],
        [supplier for (_, supplier, _), _ in named],
        [iban for (_, _, iban), _ in named],
        [deposit for _, deposit in named],
    )

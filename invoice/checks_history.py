"""What an invoice is compared with: the earlier ones of the same supplier. Warnings, and one refusal.

Pure: who has the tables hands over the earlier invoices.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from invoice.findings import Finding
from invoice.messages import finding
from invoice.model import InvoiceHeader

_SHOWN = 4  # digits of an account: enough to know it by, too few to use
CREDIT_NOTE = "381"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier invoice of the same supplier structure. ``rejected``: the recipient rejected it."""

    invoice_number: str
    issue_date: date
    total_incl_tax: Decimal
    type_code: str = "380"
    rejected: bool = False


def check_history(
    header: InvoiceHeader,
    iban: str | None,
    earlier: Iterable[Earlier],
    accounts: Sequence[str] = (),
    *,
    named: bool = True,
) -> tuple[Finding, ...]:
    """What the earlier invoices of the header's supplier say about it.

    ``accounts`` are the IBANs that this SIRET named before, the latest first. ``named``: the depositor sees the
    supplier's other invoices, so the number and the account of an earlier one may stand in what he is told.

    * an IBAN that is none of them: told to supplier and body, for both are who a fraud hurts;
    * the same amount and date under another number: the same invoice sent twice, maybe.
    """
    return (*_iban(iban, accounts, named), *_same(header, earlier, named))


def _iban(iban: str | None, accounts: Sequence[str], named: bool) -> Iterable[Finding]:
    if iban and accounts and iban not in accounts:
        before = f", qui finissait par …{accounts[0][-_SHOWN:]}" if named else ""
        return (finding("IBAN_CHANGED", value=f"…{iban[-_SHOWN:]}", before=before),)
    return ()


def _same(header: InvoiceHeader, earlier: Iterable[Earlier], named: bool) -> Iterable[Finding]:
    number = header.invoice_number.strip()
    for one in earlier:
        same = (one.issue_date, one.total_incl_tax, one.type_code)
        if one.invoice_number != number and same == (header.issue_date, header.total_incl_tax, header.type_code):
            which = f"La facture « {one.invoice_number} »" if named else "Une autre facture"
            return (finding("SAME_INVOICE", value=number, which=which),)
    return ()


def check_preceding(header: InvoiceHeader, earlier: Iterable[Earlier]) -> tuple[Finding, ...]:
    """A credit note about an invoice that was rejected is refused: nothing is owed that it could take back."""
    number = (header.preceding_invoice or "").strip()
    if header.type_code != CREDIT_NOTE or not number:
        return ()
    about = [one for one in earlier if one.invoice_number == number and one.type_code != CREDIT_NOTE]
    if about and all(one.rejected for one in about):
        return (finding("PRECEDING_REJECTED", value=number),)
    return ()

"""From what was read on a document to an invoice: complete, or what a person has to look at (decisions.md 19)."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from invoice import cadres
from invoice.findings import Finding
from invoice.identifiers import parse_siret, siren_of, siren_of_vat
from invoice.messages import finding
from invoice.model import InvoiceHeader, PaymentMode, TypeCode, VatRegime
from invoice.reading import ReadField, Reading
from invoice.totals import read_totals

__all__ = ["Draft", "Outcome", "ReadField", "complete"]

Outcome = Literal["complete", "to_check", "refused"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reading.

    ``complete``: ``header`` is set, every mandatory field was sure and the sums agree; the deposit checks are still
    to be made. ``to_check``: a person looks at it, the ``warn`` findings say why. ``refused``: the document names
    the State as its recipient, or a cadre that is not served (decisions.md 24). ``info`` findings say what was filled
    in without being read.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    header: InvoiceHeader | None = None


def complete(
    fields: Sequence[ReadField], depositor_structures: Sequence[str], *, given_cadre: str | None = None
) -> Draft:
    """Complete an invoice from what was read, or say what is missing or unsure. It fills in nothing on a guess.

    ``depositor_structures`` are the SIRETs the depositor may act for. ``given_cadre``, in short, is the depositor's own
    choice: it holds, and a document that says otherwise is remarked on, but a document that calls itself what is not
    served here is refused all the same. Of the fields that may be absent, one that
    was read without certainty waits for a person too: to drop it would be a guess as well. What only accompanies the
    invoice (due date, VAT regime, means of payment, preceding invoice) is kept if it is sure, and never asked for.
    """
    if _state_recipient(fields):
        return Draft(outcome="refused", findings=(finding("DEST_STATE", value="Ministère"),))
    reading = Reading(fields)
    cadre, remarks = _cadre(reading, given_cadre)
    if cadre is None:
        return Draft(outcome="refused", findings=remarks)
    already_paid = cadre.code == "A2"
    number = reading.take("invoice_number", str)
    day = reading.take("issue_date", date.fromisoformat)
    supplier = _supplier(reading, depositor_structures if cadre.by == "F" else ())
    recipient = reading.take("recipient_siret", parse_siret)
    type_code = _type_code(reading)
    currency = reading.take("currency", str, mandatory=False) or "EUR"
    service_code = reading.take("service_code", str, mandatory=False)
    engagement = reading.take("engagement", str, mandatory=False)
    contract = reading.take("contract", str, mandatory=False)
    totals = read_totals(reading, type_code, currency, already_paid=already_paid)
    if number is None or day is None or supplier is None or recipient is None or totals is None:
        return Draft(outcome="to_check", findings=(*reading.findings, *remarks))
    if reading.needs_a_person:
        return Draft(outcome="to_check", findings=(*reading.findings, *remarks))
    header = InvoiceHeader(
        invoice_number=number,
        issue_date=day,
        supplier_siret=supplier,
        recipient_siret=recipient,
        total_excl_tax=totals.excl,
        tax=totals.tax,
        total_incl_tax=totals.incl,
        payable=totals.payable,
        type_code=type_code,
        currency=currency,
        service_code=service_code,
        engagement=engagement,
        contract=contract,
        cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE" if already_paid else "A1_FACTURE_FOURNISSEUR",
        prepaid=totals.prepaid,
        frame=None if cadre.code in ("A1", "A2") else cadre.code,
    )
    return Draft(outcome="complete", header=_accompanied(header, reading), findings=(*reading.findings, *remarks))


def _cadre(reading: Reading, given: str | None) -> tuple[cadres.Cadre | None, tuple[Finding, ...]]:
    """The cadre of the invoice, None where it is refused; a document that names none, and nobody else, is an invoice.

    Beside a choice of the depositor's, an unsure or contradictory one of the document needs no person: he has decided.
    """
    if given is None:
        code = reading.take("cadre", str, mandatory=False) or "A1"
        refused = cadres.check_cadre(code)
        return (None if refused else cadres.find(code)), refused
    refused = next((found for code in reading.sure("cadre") if (found := cadres.check_cadre(code))), ())
    if refused:
        return None, refused
    chosen = cadres.CADRES[given]
    read = (*reading.sure("cadre"), *reading.unsure("cadre"))
    others = [other.code for code in read if (other := cadres.find(code)) is not None and other is not chosen]
    if not others:
        return chosen, ()
    return chosen, (finding("CADRE_GIVEN_DIFFERS", value=given, other=others[0], label=chosen.name),)


def _accompanied(header: InvoiceHeader, reading: Reading) -> InvoiceHeader:
    """The header with what accompanies the invoice, where it was surely read."""
    return msgspec.structs.replace(
        header,
        due_date=reading.only_sure("due_date", date.fromisoformat),
        vat_regime=reading.only_sure("vat_regime", _parse_regime),
        payment_mode=reading.only_sure("payment_mode", _parse_mode),
        preceding_invoice=reading.only_sure("preceding_invoice", str),
    )


def _state_recipient(fields: Sequence[ReadField]) -> bool:
    """The keyword « Ministère » announces the recipient, and no SIRET says otherwise (decisions.md 24)."""
    names = {field.name for field in fields}
    sure = any(field.name == "recipient_state" and field.confidence == "sure" for field in fields)
    return sure and "recipient_siret" not in names


def _supplier(reading: Reading, depositor_structures: Sequence[str]) -> str | None:
    """The supplier's SIRET: as read, or that of the depositor's only structure when nothing contradicts it.

    Where the SIREN or the VAT number was surely read, the depositor's structures of that company are those that count;
    a company of another country has none.
    """
    sirens = {*reading.sure("supplier_siren"), *map(siren_of_vat, reading.sure("supplier_vat"))}
    possible = [siret for siret in depositor_structures if not sirens or siren_of(siret) in sirens]
    only = possible[0] if len(possible) == 1 else None
    read = (*reading.sure("supplier_siret"), *reading.unsure("supplier_siret"))
    if only is None or reading.sure("supplier_siret") or any(value != only for value in read):
        return reading.take("supplier_siret", parse_siret)
    reading.add("SUPPLIER_FROM_ACCOUNT", value=only, siret=only)
    return only


def _parse_regime(value: str) -> VatRegime:
    regime: VatRegime = msgspec.convert(value, VatRegime)
    return regime


def _parse_mode(value: str) -> PaymentMode:
    mode: PaymentMode = msgspec.convert(value, PaymentMode)
    return mode


def _type_code(reading: Reading) -> TypeCode:
    """An invoice, unless the document surely says that it is a credit note."""
    if not reading.sure("type_code") and "381" not in reading.unsure("type_code"):
        return "380"
    return reading.take("type_code", _parse_type_code) or "380"


def _parse_type_code(value: str) -> TypeCode:
    if value == "380":
        return "380"
    if value == "381":
        return "381"
    raise ValueError(value)

"""From what was read on a document to an invoice: complete, or what a person has to look at (decisions.md 19)."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from invoice.findings import Finding
from invoice.identifiers import parse_siret
from invoice.messages import finding
from invoice.model import InvoiceHeader, TypeCode
from invoice.reading import ReadField, Reading
from invoice.totals import read_totals

__all__ = ["Draft", "Outcome", "ReadField", "complete"]

Outcome = Literal["complete", "to_check", "refused"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reading.

    ``complete``: ``header`` is set, every mandatory field was sure and the sums agree; the deposit checks are still
    to be made. ``to_check``: a person looks at it, the ``warn`` findings say why. ``refused``: the document names
    the State as its recipient (decisions.md 24). ``info`` findings say what was filled in without being read.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    header: InvoiceHeader | None = None


def complete(fields: Sequence[ReadField], depositor_structures: Sequence[str]) -> Draft:
    """Complete an invoice from what was read, or say what is missing or unsure. It fills in nothing on a guess.

    ``depositor_structures`` are the SIRETs the depositor may act for. Of the fields that may be absent, one that
    was read without certainty waits for a person too: to drop it would be a guess as well.
    """
    if _state_recipient(fields):
        return Draft(outcome="refused", findings=(finding("DEST_STATE", value="Ministère"),))
    reading = Reading(fields)
    number = reading.take("invoice_number", str)
    day = reading.take("issue_date", date.fromisoformat)
    supplier = _supplier(reading, depositor_structures)
    recipient = reading.take("recipient_siret", parse_siret)
    type_code = _type_code(reading)
    currency = reading.take("currency", str, mandatory=False) or "EUR"
    service_code = reading.take("service_code", str, mandatory=False)
    engagement = reading.take("engagement", str, mandatory=False)
    contract = reading.take("contract", str, mandatory=False)
    totals = read_totals(reading, type_code, currency)
    if number is None or day is None or supplier is None or recipient is None or totals is None:
        return Draft(outcome="to_check", findings=tuple(reading.findings))
    if reading.needs_a_person:
        return Draft(outcome="to_check", findings=tuple(reading.findings))
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
    )
    return Draft(outcome="complete", header=header, findings=tuple(reading.findings))


def _state_recipient(fields: Sequence[ReadField]) -> bool:
    """The keyword « Ministère » announces the recipient, and no SIRET says otherwise (decisions.md 24)."""
    names = {field.name for field in fields}
    sure = any(field.name == "recipient_state" and field.confidence == "sure" for field in fields)
    return sure and "recipient_siret" not in names


def _supplier(reading: Reading, depositor_structures: Sequence[str]) -> str | None:
    """The supplier's SIRET: as read, or that of the depositor's only structure when nothing contradicts it."""
    only = depositor_structures[0] if len(depositor_structures) == 1 else None
    read = (*reading.sure("supplier_siret"), *reading.unsure("supplier_siret"))
    if only is None or reading.sure("supplier_siret") or any(value != only for value in read):
        return reading.take("supplier_siret", parse_siret)
    reading.add("SUPPLIER_FROM_ACCOUNT", value=only, siret=only)
    return only


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

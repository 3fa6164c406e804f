"""What an invoice of the tests says, and the few ways to write it down."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

INV = "urn:oasis:names:specification:ubl:schema:xsd:"
UDT = "urn:un:unece:uncefact:data:standard:"
# These invoices hold what a test needs and no more: they do not claim to follow EN 16931.
CUSTOMIZATION = "urn:factur-x.eu:1p0:minimum"


@dataclass(frozen=True)
class Facts:
    """What one invoice says. Amounts are canonical texts, days ISO; None is left out."""

    number: str = "F2026-001"
    issue_date: str = "2026-11-20"
    due_date: str | None = "2026-12-20"
    type_code: str = "380"
    currency: str = "EUR"
    excl: str = "1100.00"
    tax: str = "205.50"
    incl: str = "1305.50"
    prepaid: str | None = "300.00"
    payable: str = "1005.50"
    # category, rate, base, amount
    rows: tuple[tuple[str, str, str, str], ...] = (("S", "5.50", "100.00", "5.50"), ("S", "20.00", "1000.00", "200.00"))
    exemption: str | None = None
    due_code: str | None = "5"  # UNCL 2475, as CII has it
    means: str | None = "30"
    iban: str | None = "FR7630006000011234567890189"
    supplier_siret: str | None = "00099900300015"
    supplier_siren: str | None = "000999003"
    supplier_vat: str | None = "FR40303265045"
    recipient_siret: str | None = "00003200300014"
    recipient_siren: str | None = "000032003"
    recipient_vat: str | None = None
    service: str | None = "DRH"
    reference: str | None = None
    engagement: str | None = "CP2026/X123456/1"
    contract: str | None = "26M001"
    preceding: str | None = None
    process: str | None = "S1"
    notes: tuple[tuple[str | None, str], ...] = (("PMT", "Indemnité de 40 €"), (None, "Merci"))
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    lines: int = 2
    extra: str = field(default="", repr=False)  # put into the root, first


def fields_of(facts: Facts) -> dict[str, str]:
    """The canonical fields that EN 16931 gives for the facts, S1 and 30 and BT-8 turned into the platform's words."""
    ordered = sorted(facts.rows, key=lambda row: [-Decimal(cell) for cell in row[1:]])
    found = {
        "invoice_number": facts.number,
        "issue_date": facts.issue_date,
        "due_date": facts.due_date,
        "type_code": facts.type_code,
        "currency": facts.currency,
        "total_excl_tax": facts.excl,
        "tax": facts.tax,
        "total_incl_tax": facts.incl,
        "prepaid": facts.prepaid,
        "payable": facts.payable,
        "vat_breakdown": "; ".join(" ".join(row[1:]) for row in ordered) or None,
        "vat_regime": {"5": "TVA_SUR_DEBIT", "72": "TVA_SUR_ENCAISSEMENT"}.get(facts.due_code or ""),
        "payment_mode": {"30": "VIREMENT", "59": "PRELEVEMENT"}.get(facts.means or ""),
        "supplier_siret": facts.supplier_siret,
        "supplier_siren": facts.supplier_siren,
        "supplier_vat": facts.supplier_vat,
        "recipient_siret": facts.recipient_siret,
        "recipient_siren": facts.recipient_siren,
        "recipient_vat": facts.recipient_vat,
        "supplier_iban": facts.iban if facts.means else None,
        "service_code": facts.service or facts.reference,
        "engagement": facts.engagement,
        "contract": facts.contract,
        "preceding_invoice": facts.preceding,
        "cadre": {"S1": "A1_FACTURE_FOURNISSEUR"}.get(facts.process or ""),
    }
    return {name: value for name, value in found.items() if value is not None}


def tag(name: str, text: str | None, **attributes: str) -> str:
    """One element, or nothing for None."""
    if text is None:
        return ""
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{shown}>{escape(text)}</{name}>"


def wrap(name: str, *inside: str) -> str:
    """An element around others; nothing around nothing."""
    content = "".join(inside)
    return f"<{name}>{content}</{name}>" if content else ""


def as_bytes(text: str) -> bytes:
    """The bytes of a document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


PLAIN = Facts()
CREDIT_NOTE = replace(PLAIN, number="AV-1", type_code="381", preceding="F2026-000", prepaid=None, payable="1305.50")

"""The canonical invoice: the header that every service shares, and the companies beside supplier and recipient."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

TypeCode = Literal["380", "381"]
Cadre = Literal["A1_FACTURE_FOURNISSEUR", "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"]
VatRegime = Literal["TVA_SUR_DEBIT", "TVA_SUR_ENCAISSEMENT", "AUTOLIQUIDATION", "EXONERATION", "FRANCHISE"]
PaymentMode = Literal["VIREMENT", "PRELEVEMENT", "CHEQUE", "ESPECE", "AUTRE", "REPORT"]


class InvoiceHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Header and totals of one invoice. Lines stay in the document.

    Amounts are ``Decimal`` in ``currency``; ``issue_date`` is a legal day (Europe/Paris).
    SIRETs are 14 digits without spaces. ``payable`` is the *net à payer*, ``prepaid`` what was paid before.
    What stands below ``contract`` accompanies the invoice: no rule of deposit asks for it. ``frame`` is the cadre in
    short (``A9``, ``S3``, ``A15``) where it is neither A1 nor A2, the only two that ``cadre`` was made for: ask
    :attr:`cadre_code`.
    """

    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    total_excl_tax: Decimal
    tax: Decimal
    total_incl_tax: Decimal
    payable: Decimal
    type_code: TypeCode = "380"
    currency: str = "EUR"
    cadre: Cadre = "A1_FACTURE_FOURNISSEUR"
    service_code: str | None = None
    engagement: str | None = None
    contract: str | None = None
    due_date: date | None = None
    prepaid: Decimal | None = None
    vat_regime: VatRegime | None = None
    payment_mode: PaymentMode | None = None
    preceding_invoice: str | None = None
    frame: str | None = None

    @property
    def cadre_code(self) -> str:
        """The cadre de facturation in short: a key of :data:`invoice.cadres.CADRES`."""
        return self.frame or self.cadre.partition("_")[0]


class Party(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A company or body named on a deposit beside supplier and recipient: its SIRET, and perhaps its service."""

    siret: str
    service: str | None = None


class Works(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a works piece stands: its billing file (the id of the file's first piece) and the piece it follows.

    ``previous`` is an invoice id; ``moe`` and ``moa`` are the works supervisor and the works client.
    """

    file: str
    previous: str | None = None
    moe: Party | None = None
    moa: Party | None = None

"""What a reading is: the fields with their evidence, or why there is none. Pure."""

from typing import Final

import msgspec

from contracts.events import ReadField
from invoice.findings import Finding

READER: Final = "chorale-text-2"  # changes whenever the same bytes may be read otherwise

FIELD_NAMES: Final = (
    "invoice_number",
    "issue_date",
    "due_date",
    "type_code",
    "currency",
    "total_excl_tax",
    "tax",
    "total_incl_tax",
    "prepaid",
    "payable",
    "vat_breakdown",
    "vat_regime",
    "payment_mode",
    "supplier_siret",
    "supplier_siren",
    "supplier_vat",
    "recipient_siret",
    "recipient_siren",
    "recipient_vat",
    "recipient_state",
    "supplier_iban",
    "service_code",
    "engagement",
    "contract",
    "preceding_invoice",
)


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one document. Exactly one of these holds:

    * ``unreadable`` is not empty: the document cannot be opened, with every reason (``level`` is ``refuse``);
    * ``empty`` is set: it was opened and nothing was recognised (decisions.md 20);
    * ``fields`` holds at most one :class:`ReadField` per name of :data:`FIELD_NAMES`, in that order.

    ``pages`` counts the whole document's pages, of which the first three are read.
    """

    pages: int = 0
    fields: tuple[ReadField, ...] = ()
    empty: Finding | None = None
    unreadable: tuple[Finding, ...] = ()

"""The code lists of the standard, from ``data/codelists.yaml``."""

from collections.abc import Mapping
from types import MappingProxyType

from invoice import packaged

_TEXTS: Mapping[str, str] = MappingProxyType(packaged.load("codelists.yaml"))


def _codes(*names: str) -> frozenset[str]:
    return frozenset(code for name in names for code in _TEXTS[name].split())


INVOICE_TYPES = _codes("invoice_types")
CREDIT_NOTE_TYPES = _codes("credit_note_types")
ALL_TYPES = INVOICE_TYPES | CREDIT_NOTE_TYPES
CURRENCIES = _codes("currencies")
# The two artefacts differ by one country: South Sudan is only in that of UBL, the Netherlands Antilles only in CII's.
COUNTRIES_UBL = _codes("countries")
COUNTRIES_CII = (COUNTRIES_UBL - {"SS"}) | {"AN"}
VAT_PREFIXES_CII = (_codes("vat_prefixes") - {"SS"}) | {"AN"}
VAT_PREFIXES_TEXT = f" {_TEXTS['vat_prefixes']} "
TAX_POINTS_UBL = _codes("tax_points_ubl")
TAX_POINTS_CII = _codes("tax_points_cii")
OBJECT_SCHEMES = _codes("object_schemes")
SUBJECTS_TEXT = f" {_TEXTS['subjects_ubl']} "
SUBJECTS_CII = _codes("subjects_ubl", "subjects_cii_more")
IDENTIFIER_SCHEMES = _codes("identifier_schemes")
ITEM_CLASSES = _codes("item_classes")
PAYMENT_MEANS = _codes("payment_means")
VAT_CATEGORIES = _codes("vat_categories")
ALLOWANCES = _codes("allowances")
CHARGES = _codes("charges")
EXEMPTIONS = _codes("exemptions")
UNITS = _codes("units")
ADDRESS_SCHEMES = _codes("address_schemes")
MEDIA_TYPES = _codes("media_types")

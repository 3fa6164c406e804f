"""What a structured invoice is refused or warned for: EN 16931, the norm's rules for public buyers, VAT rates.

Which of the standard's rules bind depends on what the file says it follows (docs/decisions/0034):

* the standard itself, or a restriction of it: every rule, as Chorus Pro has it;
* an extension of it (``#conformant#``): what must be there, be counted and be coded; that more elements stand in the
  file than the core has is what an extension is for, and only told;
* nothing of the kind (Factur-X MINIMUM and BASIC WL, Chorus Pro's own formats): none. Such a file is judged by its
  totals, as a PDF is.
"""

import msgspec

from invoice import checks_cpro
from invoice.en16931 import Broken, broken_rules_in, uncollected
from invoice.en16931.table import ROWS
from invoice.findings import Finding, Level
from invoice.messages import finding
from invoice.syntax import DataFile, VatLine
from invoice.vat import RATES

STANDARD = "urn:cen.eu:en16931:2017"
_EXTENDED = "#conformant#"
_SHAPE = ("UBL-", "CII-")
CATEGORIES = frozenset(("S", "E", "AE", "K", "G", "O", "Z"))


def check_structured(data: DataFile) -> tuple[Finding, ...]:
    """Everything that the file alone can be asked, without the directory; the header is asked elsewhere."""
    with uncollected():
        return _check(data)


def _check(data: DataFile) -> tuple[Finding, ...]:
    document = data.document() if claims_standard(data.profile) or checks_cpro.binds(data.process) else None
    found: list[Finding] = []
    if document is not None:
        if claims_standard(data.profile):
            extended = _EXTENDED in data.profile
            found += [say(one, _level(one, extended=extended)) for one in broken_rules_in(document) or ()]
        if data.process is not None and checks_cpro.binds(data.process):
            found += checks_cpro.broken(document, data.process)
        document.close()
    return (*found, *check_rates(data.vat_breakdown, french=_is_french(data)))


def _is_french(data: DataFile) -> bool:
    """Whether the supplier pays his VAT in France, as far as the file says."""
    number = data.datum("supplier_vat")
    return number.value.startswith("FR") if number is not None else data.datum("supplier_siret") is not None


def claims_standard(profile: str) -> bool:
    """Whether a file says that it follows EN 16931 (BT-24)."""
    return profile.strip().startswith(STANDARD)


def check_rates(rows: tuple[VatLine, ...], *, french: bool = True) -> tuple[Finding, ...]:
    """The rates and the categories of a VAT breakdown are ones that a French supplier has (chorus-pro.md 5).

    A supplier of another country may have others: he is only told.
    """
    rates = sorted({row.rate for row in rows}.difference(RATES))
    categories = sorted({row.category for row in rows if row.category is not None} - CATEGORIES)
    said = (
        *(finding("VAT_RATE_UNKNOWN", value=f"{rate.normalize():f}") for rate in rates),
        *(finding("VAT_CATEGORY_UNKNOWN", value=category) for category in categories),
    )
    return said if french else tuple(msgspec.structs.replace(one, level="warn") for one in said)


def say(broken: Broken, level: Level | None = None) -> Finding:
    """A broken rule of the standard in words, with the line of the file."""
    row = ROWS[broken.code]
    place = f" (ligne {broken.line} du fichier)" if broken.line else ""
    return Finding(
        code=broken.code,
        level=level or broken.level,
        message=row.message.removesuffix(".") + place + ".",
        action=row.fix,
        value=broken.value or None,
    )


def _level(broken: Broken, *, extended: bool) -> Level:
    return "warn" if extended and broken.code.startswith(_SHAPE) else broken.level

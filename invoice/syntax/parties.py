"""Who invoices whom: SIRET, SIREN, VAT number and service code, in the resolving order of chorus-pro.md 19."""

from collections.abc import Sequence

from lxml.etree import _Element

from invoice.identifiers import normalise, normalise_code
from invoice.syntax import values
from invoice.syntax.header import Header

SIRET_SCHEME, SERVICE_SCHEME, SIREN_SCHEME = "0009", "0224", "0002"
CHORUS_SIRET = "1"
CHORUS_SCHEMES = frozenset("1234567")  # chorus-pro.md 4: the seven kinds of identifier in EDI
_TERMS = {"supplier": ("BT-29", "BT-30", "BT-31"), "recipient": ("BT-46", "BT-47", "BT-48")}
_NOTHING: Sequence[_Element] = ()


def scheme_of(element: _Element) -> str:
    """The scheme of an identifier: ``schemeID``, or ``schemeName`` as Chorus Pro's UBL has it."""
    return (element.get("schemeID") or element.get("schemeName") or "").strip()


def settle_party(header: Header, side: str) -> None:
    """Settle the numbers of one side, ``supplier`` or ``recipient``, from its identifiers found."""
    found = header.found
    identified, registered, taxed = _TERMS[side]
    ids = found.get(f"{side}_id", _NOTHING)
    legal = found.get(f"{side}_legal", _NOTHING)
    siret, siren = f"{side}_siret", f"{side}_siren"
    of_scheme = [element for element in ids if scheme_of(element) == SIRET_SCHEME]
    if not of_scheme:
        of_scheme = [element for element in legal if _digits(element) == 14]
        identified = registered
    if not of_scheme:
        of_scheme = [element for element in (*ids, *legal) if scheme_of(element) == CHORUS_SIRET]
        identified = _TERMS[side][0]
    if of_scheme:
        header.take(siret, identified, of_scheme, values.siret)
    # Nine digits without a scheme may be a Norwegian company; and what is said to be a SIREN and is none is told.
    nine = [element for element in legal if scheme_of(element) == SIREN_SCHEME and _digits(element) != 14]
    if nine:
        header.take(siren, registered, nine, values.siren)
    vat = found.get(f"{side}_vat")
    if vat:
        header.take(f"{side}_vat", taxed, vat, values.vat)
    _agree(header, siret, siren, [element for element in legal if _digits(element) == 14])


def settle_service(header: Header, *, contact: bool) -> None:
    """The service code: BT-46 of scheme 0224, else (``contact``) Chorus Pro's contact, else BT-10.

    Two places that differ: the first counts, with a warning.
    """
    found = header.found
    places = [("BT-46", [e for e in found.get("recipient_id", _NOTHING) if scheme_of(e) == SERVICE_SCHEME])]
    if contact:
        places.append(("BT-56", found.get("recipient_contact", [])))
    places.append(("BT-10", found.get("buyer_reference", [])))
    for term, elements in places:
        if header.value("service_code") is None:
            header.take("service_code", term, elements, values.token)
            continue
        code = header.value("service_code") or ""
        for element in elements:
            other = " ".join((element.text or "").split())[: values.MAX_TEXT]
            if other and normalise_code(other) != normalise_code(code):
                header.warn("SERVICE_CODES_DIFFER", value=code, other=other[:100], term=term)
                break


def is_chorus(header: Header) -> bool:
    """Whether a party is identified in the way of Chorus Pro's own formats."""
    keys = ("supplier_id", "recipient_id", "supplier_legal", "recipient_legal")
    return any(scheme_of(element) in CHORUS_SCHEMES for key in keys for element in header.found.get(key, _NOTHING))


def _digits(element: _Element) -> int:
    """How many digits an identifier has that is made of digits; 0 for any other."""
    text = (element.text or "")[:60]
    compact = text if text.isdigit() else "".join(text.split())
    return len(compact) if compact.isascii() and compact.isdigit() else 0


def _agree(header: Header, siret: str, siren: str, registered: Sequence[_Element]) -> None:
    """A SIRET begins with the SIREN of its company; another establishment of it may be the one registered."""
    long, short = header.value(siret), header.value(siren)
    if short is None and registered:
        short = normalise(registered[0].text or "")[:9]
    if long is not None and short is not None and not long.startswith(short):
        header.warn("DATA_SIREN_SIRET", field=siret, value=long, siren=short)
        header.doubt(siret)
        header.doubt(siren)

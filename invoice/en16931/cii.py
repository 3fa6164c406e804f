"""The rules of EN 16931 on a CII CrossIndustryInvoice (D16B, D22B, Factur-X)."""

from invoice.en16931 import cii_codes, cii_document, cii_kinds, cii_lines, cii_structure, cii_vat
from invoice.en16931.cii_facts import Facts
from invoice.en16931.fired import Fired
from invoice.syntax.elements import Document

ROOT = "rsm:CrossIndustryInvoice"


def check(document: Document) -> Fired:
    """What does not hold."""
    fired = Fired()
    facts = Facts(document)
    cii_document.check(document, facts, fired)
    cii_lines.check(document, fired)
    cii_vat.check(document, facts, fired)
    cii_codes.check(document, facts, fired)
    cii_structure.check(document, facts, fired)
    cii_kinds.check(document, fired)
    if not fired.places:  # the official rules stop at such a document, unless what they look at first is enough
        for element in facts.unreadable():
            fired.add("CII-SYNTAX", element)
    return fired

"""The rules of EN 16931 on a UBL Invoice or CreditNote."""

from invoice.en16931 import ubl_codes, ubl_document, ubl_lines, ubl_parties, ubl_structure, ubl_vat
from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import Facts
from invoice.syntax.elements import Document

ROOTS = ("ubl:Invoice", "cn:CreditNote")


def check(document: Document) -> Fired:
    """What does not hold."""
    fired = Fired()
    facts = Facts(document)
    ubl_document.check(document, facts, fired)
    ubl_parties.check(document, fired)
    ubl_lines.check(document, facts, fired)
    ubl_vat.check(document, facts, fired)
    ubl_codes.check(document, facts, fired)
    ubl_structure.check(document, facts, fired)
    if not fired.places:  # the official rules stop at such a document, unless what they look at first is enough
        for element in facts.unreadable():
            fired.add("UBL-SYNTAX", element)
    return fired

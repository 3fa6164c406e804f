"""From bytes to invoices: opened with care, told apart by the root element, read by the module of its syntax."""

from lxml.etree import QName

from invoice.messages import finding
from invoice.syntax import cii, cpp, ubl
from invoice.syntax.document import open_document
from invoice.syntax.model import DEFAULT, DataFile, Limits, SyntaxRefused


def parse(data: bytes, *, limits: Limits = DEFAULT) -> tuple[DataFile, ...]:
    """The invoices of an XML document: one, or as many as a CPPFactureMixte holds.

    Raises SyntaxRefused, whose finding says why and what to do: too big, too deep, too many elements, attributes,
    names or invoices, a text too long, an encoding not read, a DOCTYPE, not well-formed (with line and column), or
    ``XML_UNKNOWN_ROOT`` for a document that is no invoice of a known syntax.
    """
    root = open_document(data, limits)
    tag = str(root.tag)
    if tag in cii.VERSIONS:
        return (cii.read(root, limits),)
    if tag in (ubl.INVOICE, ubl.CREDIT_NOTE):
        return (ubl.read(root, limits),)
    if tag.rpartition("}")[2] == cpp.ROOT:
        return cpp.read(root, limits)
    name = QName(root)
    shown, namespace = name.localname[:100], (name.namespace or "")[:200]
    inside = f" (espace de noms « {namespace} »)" if namespace else ""
    raise SyntaxRefused(finding("XML_UNKNOWN_ROOT", value=shown, inside=inside), line=root.sourceline or 0, column=1)

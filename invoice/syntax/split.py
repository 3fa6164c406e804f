"""A Chorus Pro flow of several invoices taken apart: each invoice a document of its own, under the same envelope."""

from collections.abc import Iterator

from lxml import etree

from invoice.messages import finding
from invoice.syntax import cpp
from invoice.syntax.document import open_document
from invoice.syntax.model import DEFAULT, Limits, SyntaxRefused

_UNIT = "CPPFactureMixteUnitaire"


def split(data: bytes, *, limits: Limits = DEFAULT) -> Iterator[bytes]:
    """The invoices of a CPPFactureMixte, one document each, in order; any other document as it is.

    Raises SyntaxRefused, as :func:`invoice.syntax.parse` does, and where the invoices would be far larger than it.
    """
    root = open_document(data, limits)
    if str(root.tag).rpartition("}")[2] != cpp.ROOT:
        yield data
        return
    units = [unit for unit in root.iter("{*}" + _UNIT) if unit.getparent() is not None]
    if len(units) < 2:
        yield data
        return
    parents = [unit.getparent() for unit in units]
    for unit, parent in zip(units, parents, strict=True):
        assert parent is not None
        parent.remove(unit)
    frame = len(etree.tostring(root, encoding="UTF-8"))
    if frame * len(units) > limits.max_bytes:  # each invoice carries all that stands around them
        limit, found = f"{limits.max_bytes / 1_000_000:.0f}", f"{frame * len(units) / 1_000_000:.1f}"
        raise SyntaxRefused(finding("XML_TOO_BIG", value=found, limit=limit))
    for unit, parent in zip(units, parents, strict=True):
        assert parent is not None
        parent.append(unit)
        yield etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        parent.remove(unit)

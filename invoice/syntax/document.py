"""From untrusted bytes to a parsed document: no DTD, no entities, no network, bounded size, depth and names."""

import re
from collections.abc import Iterator
from itertools import pairwise

from lxml import etree

from invoice.messages import finding
from invoice.syntax.encoding import to_utf8
from invoice.syntax.model import MAX_DEPTH, Limits, SyntaxRefused

# The parser's own limits stay on (huge_tree): 256 levels, 10 MB a text, 50,000 bytes a name.
_PARSER = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    dtd_validation=False,
    attribute_defaults=False,
    no_network=True,
    huge_tree=False,
    recover=False,
    remove_comments=True,
    remove_pis=True,
    strip_cdata=True,
    collect_ids=False,
)
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)*+\s*+(?:<\?.*?\?>\s*+|<!--.*?-->\s*+)*+", re.DOTALL)
_ELEMENT_NAME = re.compile(rb"<([^\s/>!?][^\s/>]*+)")
# Behind white space only, so that no text is looked through twice.
_NAMESPACE = re.compile(rb"(?<=\s)xmlns(?::[^\s=<>\"']*+)?\s*+=\s*+(\"[^\"]*+|'[^']*+)")
_SMALL = 16_384  # so few bytes cannot hold enough names to matter

_RESOURCE_LIMIT = 114
_NAME_TOO_LONG = 110
_ENCODING = frozenset({31, 32, 79, 81})


def open_document(data: bytes, limits: Limits) -> etree._Element:
    """The root element of an XML document.

    Raises SyntaxRefused: ``XML_TOO_BIG``, ``XML_ENCODING``, ``XML_DOCTYPE``, ``XML_TOO_MANY_ELEMENTS``,
    ``XML_TOO_MANY_ATTRIBUTES``, ``XML_TOO_MANY_NAMES``, ``XML_TOO_DEEP``, ``XML_TEXT_TOO_LONG`` or ``XML_MALFORMED``
    (with line and column).
    """
    if len(data) > limits.max_bytes:
        raise _too_much("XML_TOO_BIG", f"{limits.max_bytes / 1_000_000:.0f}", f"{len(data) / 1_000_000:.1f}")
    text = to_utf8(data)
    _bounded(text, limits)
    _no_doctype(text)
    try:
        root = etree.fromstring(text, _PARSER)
    except etree.XMLSyntaxError as error:
        raise _refusal(error) from None
    if root.getroottree().docinfo.internalDTD is not None:  # should the scan above ever miss one
        raise SyntaxRefused(finding("XML_DOCTYPE"))
    return root


def _no_doctype(text: bytes) -> None:
    """A document type is where entities, outside files and floods come from; no invoice syntax has one."""
    if b"<!DOCTYPE" not in text:
        return
    prolog = _PROLOG.match(text)
    at = 0 if prolog is None else prolog.end()
    if text.startswith(b"<!DOCTYPE", at):
        line = text.count(b"\n", 0, at) + 1
        raise SyntaxRefused(finding("XML_DOCTYPE"), line=line, column=at - text.rfind(b"\n", 0, at))


def _bounded(text: bytes, limits: Limits) -> None:
    """Bound what the document can take once parsed: each start tag has a ``<``, each attribute a ``=``."""
    tags = text.count(b"<")
    if tags > limits.max_elements and tags - text.count(b"</") > limits.max_elements:
        raise _too_much("XML_TOO_MANY_ELEMENTS", str(limits.max_elements))
    if len(text) <= _SMALL:
        return
    if text.count(b"=") > limits.max_attributes:
        raise _too_much("XML_TOO_MANY_ATTRIBUTES", str(limits.max_attributes))
    names = {*_ELEMENT_NAME.findall(text), *_attribute_names(text), *_NAMESPACE.findall(text)}
    if sum(map(len, names)) > limits.max_names:
        raise _too_much("XML_TOO_MANY_NAMES", str(limits.max_names))


def _attribute_names(text: bytes) -> Iterator[bytes]:
    """What stands before an ``=`` that a quote follows; some of it may be no name, but no name is missed."""
    for before, after in pairwise(text.split(b"=")):
        if after.lstrip()[:1] in (b'"', b"'"):
            yield from before.rsplit(None, 1)[-1:]


def _too_much(code: str, limit: str, value: str | None = None) -> SyntaxRefused:
    return SyntaxRefused(finding(code, value=value, limit=limit))


def _refusal(error: etree.XMLSyntaxError) -> SyntaxRefused:
    line, column = error.position
    reason = str(error.msg)
    if error.code == _RESOURCE_LIMIT and "depth" in reason:
        return SyntaxRefused(finding("XML_TOO_DEEP", limit=str(MAX_DEPTH)), line=line, column=column)
    if error.code in (_RESOURCE_LIMIT, _NAME_TOO_LONG):
        return SyntaxRefused(finding("XML_TEXT_TOO_LONG", line=str(line)), line=line, column=column)
    if error.code in _ENCODING:
        why = f"un caractère est mal écrit, ligne {line}, colonne {column}"
        return SyntaxRefused(finding("XML_ENCODING", why=why), line=line, column=column)
    words = {"line": str(line), "column": str(column), "reason": _in_french(error.code)}
    return SyntaxRefused(finding("XML_MALFORMED", **words), line=line, column=column)


# libxml2's codes, in words for a supplier; what is rare keeps the general sentence.
_REASONS = {
    4: "le document est vide ou ne commence pas par une balise",
    5: "du texte suit la fin du document",
    9: "un caractère interdit",
    26: "une entité inconnue",
    38: "un signe « < » dans la valeur d'un attribut",
    39: "une valeur d'attribut sans guillemets",
    41: "un attribut sans valeur",
    42: "un attribut donné deux fois",
    64: "la déclaration « <?xml … ?> » n'est pas au tout début du fichier",
    68: "un nom attendu",
    73: "un signe « > » attendu",
    76: "une balise fermée par une autre",
    77: "la fin manque, le fichier est tronqué",
    201: "un préfixe d'espace de noms non déclaré",
}


def _in_french(code: int) -> str:
    return _REASONS.get(code, "l'écriture des balises n'est pas correcte")

"""A document as rules look at it: every element with its children by name, and all elements of a name.

Names carry the prefix of :mod:`invoice.syntax.names`, whatever prefix the file has: ``cbc:ID``, ``ram:TypeCode``. One
walk over the parsed document makes the tree; a rule then costs a few look-ups instead of a search.
"""

from collections.abc import Iterator, Mapping, Sequence

from lxml.etree import _Element

from invoice.syntax.names import CII, OASIS, UBL
from invoice.syntax.tree import path_of

_PREFIXES = {
    **{namespace: prefix for prefix, namespace in (*UBL.items(), *CII.items())},
    OASIS + "Invoice-2": "ubl",
    OASIS + "CreditNote-2": "cn",
}
_NONE: Sequence["Element"] = ()
_NO_KIDS: Mapping[str, list["Element"]] = {}


class Element:
    """One element: ``tag`` as above, ``text`` its string value (what stands in it and below), ``parent`` or None."""

    __slots__ = ("_node", "kids", "parent", "tag", "text")

    # Set one by one where a document is walked: an `__init__` would cost a tenth of the whole walk.
    _node: _Element
    tag: str
    parent: "Element | None"
    kids: "Mapping[str, list[Element]]"
    text: str

    def all(self, tag: str) -> "Sequence[Element]":
        """The children of a name, in their order."""
        return self.kids.get(tag, _NONE)

    def first(self, tag: str) -> "Element | None":
        """The first child of a name."""
        found = self.kids.get(tag)
        return found[0] if found else None

    def along(self, *tags: str) -> "list[Element]":
        """The elements at the end of a path of names, in document order."""
        found: list[Element] = [self]
        for tag in tags:
            found = [kid for element in found for kid in element.kids.get(tag, _NONE)]
        return found

    def get(self, attribute: str) -> str | None:
        """An attribute without a namespace, as written."""
        return self._node.get(attribute)

    def attributes(self) -> Sequence[str]:
        """The names of its attributes."""
        return [str(name) for name in self._node.attrib]

    def above(self) -> "Iterator[Element]":
        """Its ancestors, the nearest first."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    @property
    def path(self) -> str:
        """Where it stands, in the file's own prefixes."""
        return path_of(self._node)

    @property
    def line(self) -> int:
        """The line of the file, from 1; 0 where it is not known."""
        return self._node.sourceline or 0


class Branch(Element):
    """An element that holds others: its string value is made when it is asked for, which is hardly ever."""

    __slots__ = ()

    @property
    def text(self) -> str:  # type: ignore[override]  # a slot above
        """All the text below it."""
        return "".join(str(part) for part in self._node.itertext())


class Document:
    """A whole document: its ``root`` and, by name, every element of that name in document order."""

    __slots__ = ("_names", "named", "root")

    def __init__(self, root: _Element) -> None:
        self.named: dict[str, list[Element]] = {}
        self._names: dict[str, str] = {}
        self.root = self._walk(root, None)

    def all(self, tag: str) -> Sequence[Element]:
        """Every element of a name, wherever it stands."""
        return self.named.get(tag, _NONE)

    def under(self, parent: str, tag: str) -> Iterator[Element]:
        """Every element of a name whose parent has the other name."""
        return (one for one in self.named.get(tag, _NONE) if one.parent is not None and one.parent.tag == parent)

    def close(self) -> None:
        """Let go of the elements. They hold each other up and down: without this they would wait for the collector."""
        for elements in self.named.values():
            for element in elements:
                element.kids = _NO_KIDS
        self.named = {}

    def _walk(self, node: _Element, parent: Element | None) -> Element:
        clark: str = node.tag  # type: ignore[assignment]  # no comments are kept
        tag = _TAGS.get(clark) or self._name(clark)
        leaf = not len(node)
        element = Element() if leaf else Branch()
        element._node = node
        element.tag = tag
        element.parent = parent
        if tag in self.named:
            self.named[tag].append(element)
        else:
            self.named[tag] = [element]
        if leaf:
            element.kids = _NO_KIDS
            element.text = node.text or ""
            return element
        kids: dict[str, list[Element]] = {}
        element.kids = kids
        walk = self._walk
        for child in node:
            kid = walk(child, element)
            name = kid.tag
            if name in kids:
                kids[name].append(kid)
            else:
                kids[name] = [kid]
        return element

    def _name(self, clark: str) -> str:
        name = self._names.get(clark)
        if name is None:
            name = self._names[clark] = _short(clark)
        return name


# The names seen so far under the known namespaces; bounded, for a hostile document must not fill the memory.
_TAGS: dict[str, str] = {}
_MAX_TAGS = 2_000


def _short(clark: str) -> str:
    namespace, brace, local = clark[1:].rpartition("}") if clark.startswith("{") else ("", "", clark)
    prefix = _PREFIXES.get(namespace)
    if prefix is None:
        return clark if brace else local
    short = f"{prefix}:{local}"
    if len(_TAGS) < _MAX_TAGS and len(local) < 80:
        _TAGS[clark] = short
    return short

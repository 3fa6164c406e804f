"""The files that a PDF carries, for the check command. The service leaves that to the reader, another process."""

import io
from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from invoice.syntax import looks_like_xml

_MAX_FILES: Final = 100
_MAX_NODES: Final = 1_000


def embedded(data: bytes) -> list[tuple[str, bytes]]:
    """The XML files inside a PDF, by name; none where it cannot be opened, which its reading will tell."""
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        tree = _at(_at(reader.root, "/Names"), "/EmbeddedFiles")
        return [] if tree is None else list(_xml_files(tree))
    except (PdfError, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, RecursionError):
        return []  # what a damaged file makes of the library


def _at(holder: Any, *names: str) -> Any:
    """What stands under the first of the names that is there; asked with an index, for `get` follows no reference."""
    if holder is not None:
        for name in names:
            if name in holder:
                return holder[name]
    return None


def _xml_files(tree: Any) -> Iterator[tuple[str, bytes]]:
    """The leaves of a name tree; one that goes in circles ends."""
    waiting, seen, given = [tree], 0, 0
    while waiting and seen < _MAX_NODES and given < _MAX_FILES:
        node = waiting.pop(0)
        seen += 1
        kids = _at(node, "/Kids") or ()
        waiting.extend(kids[index] for index in range(min(len(kids), _MAX_NODES)))
        leaves = _at(node, "/Names") or ()
        for index in range(1, min(len(leaves), 2 * _MAX_FILES), 2):
            given += 1
            stream = _at(_at(leaves[index], "/EF"), "/UF", "/F")
            content = None if stream is None else bytes(stream.data)
            if content is not None and looks_like_xml(content[:1024]):
                yield str(_at(leaves[index], "/UF", "/F") or ""), content

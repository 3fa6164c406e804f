"""A file's name as a label: what a person recognises, without anything a page, a log or a path could trip over."""

import unicodedata
from collections.abc import Collection

MAX_NAME = 255
MAX_SHORT = 50
MAX_PLACE = 1_000
NO_NAME = "document"
_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def label(name: str) -> str:
    """The name whole, without folders and unprintable characters; over 255 characters its stem is cut, not its end."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _UNWANTED)
    kept = " ".join(kept.split())
    if kept.strip(". ") == "":
        return NO_NAME
    if len(kept) <= MAX_NAME:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > 10:
        return kept[:MAX_NAME]
    return stem[: MAX_NAME - 1 - len(ending)] + "." + ending


def place(name: str) -> str:
    """The name of a file in an archive with its folders, each as :func:`label` shows it: two folders may hold one name.

    It is told and never opened; over 1,000 characters its beginning is cut.
    """
    parts = [label(part) for part in name.replace("\\", "/").split("/") if part.strip(". ")]
    return "/".join(parts)[-MAX_PLACE:] or NO_NAME


def short(name: str, taken: Collection[str]) -> str:
    """The name for exchanges, which take 50 characters with the ending, unlike any of ``taken`` (in lower case)."""
    stem, dot, ending = name.rpartition(".")
    stem, tail = (stem, dot + ending) if dot and len(ending) <= 10 else (name, "")
    found, number = stem[: MAX_SHORT - len(tail)] + tail, 1
    while found.lower() in taken:
        number += 1
        mark = f"~{number}"
        found = stem[: MAX_SHORT - len(tail) - len(mark)] + mark + tail
    return found

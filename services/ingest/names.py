"""A file's name as a label: what a person recognises, without anything a page, a log or a path could trip over."""

import unicodedata

MAX_NAME = 255
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

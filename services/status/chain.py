"""The chain of an invoice's history, checked with nothing but the export of it. Pure.

Every entry has facts and a salt; its digest is ``sha256(salt + facts)``, the facts in PostgreSQL's text of ``jsonb``.
The chain after an entry is ``sha256(chain before it + digest)``; before the first stands a digest of the invoice's id.
Words (who, comment) lie beside: the facts hold salted digests of them, so that they can be erased.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from json.encoder import encode_basestring
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

FORMAT: Final = "chorale.history/1"
FaultCode = Literal["MISSING", "TWICE", "TOO_MANY", "ORDER", "CHANGED", "WORDS", "HEAD"]


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One entry of an export. ``chain`` is the digest after it; digests and salts are in hexadecimal.

    An entry that its reader may not see is ``sealed``: its digest alone, from which nothing can be learnt.
    """

    entry: int
    chain: str
    sealed: str | None = None
    facts: dict[str, Any] | None = None
    salt: str | None = None
    who: str | None = None
    who_salt: str | None = None
    comment: str | None = None
    comment_salt: str | None = None


class Export(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole history of one invoice as a reader got it. ``head`` is the chain after the last entry."""

    format: Literal["chorale.history/1"] = FORMAT
    invoice: UUID
    number: str
    exported_at: str
    entries: int
    head: str
    history: tuple[Line, ...]


class Fault(msgspec.Struct, frozen=True):
    """What does not hold, and at which entry. ``message`` is French."""

    entry: int
    code: FaultCode
    message: str


def canonical(value: Any) -> str:
    """JSON as PostgreSQL writes ``jsonb``: keys by length, then by bytes; numbers without an exponent."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return encode_basestring(value)
        case int():
            return str(value)
        case float():  # the confidence of a suggestion
            return f"{Decimal(repr(value)):f}"
        case Mapping():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return "{" + ", ".join(f"{encode_basestring(key)}: {canonical(value[key])}" for key in keys) + "}"
        case list() | tuple():
            return "[" + ", ".join(canonical(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no one spelling")


def digest_of(line: Line) -> bytes:
    """The salted digest of an entry. Raises ``ValueError`` or ``TypeError`` when the line cannot have one."""
    if line.sealed is not None:
        if line.facts is not None or line.salt is not None:
            raise ValueError("sealed and shown at once")
        return bytes.fromhex(line.sealed)
    if line.facts is None or line.salt is None:
        raise ValueError("neither sealed nor shown")
    return hashlib.sha256(bytes.fromhex(line.salt) + canonical(line.facts).encode()).digest()


def chain_start(invoice: UUID) -> bytes:
    """What stands before the first entry."""
    return hashlib.sha256(f"{FORMAT} {invoice}".encode()).digest()


def check(export: Export, *, head: str | None = None) -> list[Fault]:
    """Everything that does not hold, by entry; empty for a history that nobody touched.

    ``head`` is one that is held from elsewhere: without it, somebody who writes the whole file anew, or cuts the last
    entries off and says so in the file, is not found.
    """
    faults = [*_numbering(export), *_links(export)]
    for line in export.history:
        faults += _words(line)
    last = max(export.history, key=lambda line: line.entry, default=None)
    if last is None or last.chain != export.head:
        faults.append(Fault(export.entries, "HEAD", "la dernière entrée n'est pas celle qu'annonce l'export"))
    if head is not None and head.lower() not in {line.chain for line in export.history}:
        message = f"aucune entrée ne porte l'empreinte {head[:12]}… que vous détenez : l'histoire a été réécrite"
        faults.append(Fault(export.entries, "HEAD", message))
    return sorted(faults, key=lambda fault: fault.entry)


def _numbering(export: Export) -> Iterator[Fault]:
    numbers = [line.entry for line in export.history]
    for missing in sorted(set(range(1, export.entries + 1)) - set(numbers)):
        yield Fault(missing, "MISSING", "l'entrée manque")
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield Fault(number, "TWICE", "l'entrée figure deux fois : l'une des deux a été insérée")
    for number in sorted({number for number in numbers if not 1 <= number <= export.entries}):
        yield Fault(number, "TOO_MANY", f"l'entrée est de trop : l'export en annonce {export.entries}")
    for before, after in pairwise(numbers):
        if after < before:
            yield Fault(after, "ORDER", f"l'entrée vient après l'entrée {before} : l'ordre a été changé")


def _links(export: Export) -> Iterator[Fault]:
    chains: dict[int, str] = {0: chain_start(export.invoice).hex()}
    chains |= {line.entry: line.chain for line in reversed(export.history)}
    for line in export.history:
        before = chains.get(line.entry - 1)
        if before is None:
            continue  # its predecessor is missing, which is said already
        if not _holds(export, line, before):
            message = "son contenu, ou ce qui la relie à l'entrée d'avant, a été changé"
            yield Fault(line.entry, "CHANGED", message)


def _holds(export: Export, line: Line, before: str) -> bool:
    facts = line.facts
    if facts is not None and (facts.get("invoice") != str(export.invoice) or facts.get("entry") != line.entry):
        return False
    try:
        return hashlib.sha256(bytes.fromhex(before) + digest_of(line)).hexdigest() == line.chain
    except (ValueError, TypeError):
        return False


def _words(line: Line) -> Iterator[Fault]:
    """Words that are there are those that were written. Words that are not there were erased, or are not shown."""
    said: Sequence[tuple[str, str | None, str | None, str]] = (
        ("le nom", line.who, line.who_salt, "subject_digest"),
        ("le commentaire", line.comment, line.comment_salt, "comment_digest"),
    )
    for what, words, salt, name in said:
        if words is None and salt is None:
            continue
        promised = None if line.facts is None else line.facts.get(name)
        try:
            found = "\\x" + hashlib.sha256(bytes.fromhex(salt or "") + (words or "").encode()).hexdigest()
        except ValueError:
            found = ""
        if words is None or salt is None or found != promised:
            yield Fault(line.entry, "WORDS", f"{what} n'est pas celui qui a été écrit")

"""Billing files of works: the piece before this one, and the file both belong to (chorus-pro.md 8.2).

A file is named by the id of its first piece, so that nobody joins a file by guessing a name: whoever refers to an
earlier piece must be one of its parties, and a piece that he may not see is as unknown as one that never was.
"""

from collections.abc import Iterator, Mapping

import msgspec

from invoice.cadres import Depositor, Given, of
from invoice.directory import Structure
from invoice.findings import Finding
from invoice.messages import finding
from invoice.model import InvoiceHeader, Party, Works


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that was deposited before. ``parties``: the SIRETs named on it, supplier and recipient included."""

    id: str
    cadre: str
    supplier: str
    file: str
    parties: frozenset[str]


def references(given: Given) -> tuple[str, ...]:
    """The ids of pieces that a deposit refers to."""
    return tuple(each for each in (given.previous_piece, given.works_file) if each is not None)


def check_file(
    header: InvoiceHeader, given: Given, depositor: Depositor, pieces: Mapping[str, Piece]
) -> tuple[Finding, ...]:
    """Whether what a works piece refers to is there and fits. ``pieces``: submitted ones, by id.

    That the earlier piece is still open (neither refused nor followed by another) is for the service of the statuses.
    """
    seen = {id_: piece for id_, piece in pieces.items() if piece.parties & set(depositor.structures)}
    return (*_previous(header, given, seen), *_file(header, given, seen))


def _previous(header: InvoiceHeader, given: Given, seen: Mapping[str, Piece]) -> Iterator[Finding]:
    cadre = of(header)
    if given.previous_piece is None or not cadre.after:
        return
    piece = seen.get(given.previous_piece)
    if piece is None:
        yield finding("PREVIOUS_UNKNOWN", value=given.previous_piece)
        return
    words = {"cadre": cadre.code, "other": piece.cadre, "after": ", ".join(cadre.after)}
    if piece.cadre not in cadre.after:
        yield finding("PREVIOUS_WRONG", value=given.previous_piece, **words)
    if piece.supplier != header.supplier_siret and not _general(piece.cadre, cadre.code):
        yield finding("PREVIOUS_OTHER_SUPPLIER", value=given.previous_piece, siret=piece.supplier)
    stated = seen.get(given.works_file or "")
    if given.works_file is not None and (stated is None or stated.file != piece.file):
        yield finding("WORKS_FILE_DIFFERS", value=given.works_file, file=piece.file)


def _general(before: str, code: str) -> bool:
    """The general account is the titulaire's, even where it follows a sub- or co-contractor's final account."""
    return code in ("A17", "A18") and before in ("A11", "A14")


def _file(header: InvoiceHeader, given: Given, seen: Mapping[str, Piece]) -> Iterator[Finding]:
    if (
        of(header).works
        and given.works_file is not None
        and given.previous_piece is None
        and given.works_file not in seen
    ):
        yield finding("WORKS_FILE_UNKNOWN", value=given.works_file)


def check_works_client(moa: Party, structure: Structure | None) -> tuple[Finding, ...]:
    """A works client is a public body of the directory, which says that it is one (chorus-pro.md 12.1): only warned of.

    ``structure``: the directory's under that SIRET.
    """
    if structure is None:
        return (finding("MOA_UNKNOWN", value=moa.siret),)
    if structure.parameters.moa or structure.parameters.moa_only:
        return ()
    return (finding("MOA_NOT_DECLARED", value=moa.siret, name=structure.name),)


def works_of(header: InvoiceHeader, given: Given, pieces: Mapping[str, Piece], own: str) -> Works | None:
    """Where an accepted piece stands; ``own`` is its id, which names the file where it is the first of one."""
    if not of(header).works:
        return None
    before = pieces.get(given.previous_piece or given.works_file or "")
    return Works(file=before.file if before else own, previous=given.previous_piece, moe=given.moe, moa=given.moa)


def parties_of(header: InvoiceHeader, given: Given) -> frozenset[str]:
    """Every SIRET named on a piece."""
    others: tuple[Party | None, ...] = (given.moe, given.moa, *given.validators)
    return frozenset((header.supplier_siret, header.recipient_siret, *(p.siret for p in others if p is not None)))

"""The next piece of a works file: which is expected, from whom, and what its draft begins with. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from invoice.cadres import CADRES
from invoice.works import PIECES, Filed, expected
from services.portal.pages.person import Person

#: Who deposits a piece, and in which role.
_ROLES: Final = {"F": ("FOURNISSEUR", "DEPOSANT"), "MOE": ("MOE",), "MOA": ("MOA",)}
_KEPT: Final = ("supplier_siret", "recipient_siret", "service_code", "engagement", "contract")
#: The general account is the titulaire's, even where it follows a sub- or co-contractor's final one.
_GENERAL: Final = frozenset(("A17", "A18"))
_FINAL_OF_OTHERS: Final = frozenset(("A11", "A14"))


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that may follow ``number``. ``by``: F, MOE or MOA, under ``siret`` where it is named; ``mine``: he who
    looks deposits it; ``ready``: he may do so now."""

    previous: str
    number: str
    piece: str
    label: str
    by: str
    siret: str | None
    ready: bool
    mine: bool


def following(pieces: Sequence[Mapping[str, Any]], details: Mapping[str, Mapping[str, Any]], me: Person) -> list[Next]:
    """What may come next. ``pieces``: rows of the list, in their order; ``details``: the open ones in full, by id."""
    rows = {each["id"]: each for each in pieces if each["cadre"] in PIECES}
    file = [Filed(id=each["id"], piece=each["cadre"], status=each["status"]["code"]) for each in rows.values()]
    found = []
    for each in expected(file):
        row, by = rows[each.after.id], PIECES[each.piece].by
        siret = _deposits(by, row, details.get(each.after.id, {}))
        held = me.principal.structures_as(*_ROLES[by])
        found.append(
            Next(
                previous=row["id"],
                number=row["number"],
                piece=each.piece,
                label=PIECES[each.piece].label_fr,
                by=by,
                siret=siret,
                ready=each.ready,
                mine=siret in held if siret else bool(held),
            )
        )
    return found


def _deposits(by: str, row: Mapping[str, Any], detail: Mapping[str, Any]) -> str | None:
    if by == "F":
        return str(row["supplier_siret"])
    party = (detail.get("works") or {}).get(by.lower())
    return None if party is None else str(party["siret"])


def may_follow(before: Mapping[str, Any], file: str, piece: str) -> bool:
    """Whether the piece may come after this one, in this file."""
    works = before.get("works") or {}
    return works.get("file") == file and piece in PIECES[before["cadre"]].next


def fields(before: Mapping[str, Any], piece: str) -> dict[str, str]:
    """What the draft of the next piece begins with: all that it has in common with the one before, and the link."""
    header, works, cadre = before["header"], before["works"], CADRES[piece]
    given = {name: header.get(name) for name in _KEPT}
    given |= {"cadre": piece, "works_file": works["file"], "previous_piece": str(before["id"])}
    for party, wanted in (("moe", cadre.moe), ("moa", cadre.moa)):
        if works.get(party) and wanted != "absent":
            given |= {f"{party}_siret": works[party]["siret"], f"{party}_service": works[party].get("service")}
    if piece in _GENERAL and before["cadre"] in _FINAL_OF_OTHERS and before["validators"]:
        given["supplier_siret"] = before["validators"][0]["siret"]
    return {name: value for name, value in given.items() if value}

"""The lists of a works piece's draft: the piece before, by its number and day, and the file they belong to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.portal.pages.format import show_date
from services.portal.pages.invoices import API
from services.portal.pages.page import Page

_MOST: Final = 200
Options = list[tuple[str, str]]


async def pieces_of(page: Page, cadre: Mapping[str, Any] | None, file: str) -> list[dict[str, Any]]:
    """The works pieces that he sees: those of the file where one is chosen; none where the draft is no works piece."""
    if cadre is None or not (cadre["after"] or cadre["moe"] != "absent"):
        return []
    conditions = {"file": file} if len(file) == 36 else {"side": "works"}
    answer = await page.call.get("status", API, {**conditions, "limit": _MOST})
    found: list[dict[str, Any]] = (answer.data or {}).get("invoices", [])
    return found


def options(page: Page, cadre: Mapping[str, Any] | None, pieces: Sequence[Mapping[str, Any]]) -> dict[str, Options]:
    """What may be chosen as the piece before and as the file."""
    if cadre is None or not (cadre["after"] or cadre["moe"] != "absent"):
        return {}
    none = ("", page.t("draft.choose"))
    before = [
        (each["id"], page.t("draft.piece", number=each["number"], cadre=each["cadre"], date=_day(each)))
        for each in pieces
        if each["cadre"] in cadre["after"] and not each["status"]["terminal"]
    ]
    first: dict[str, Mapping[str, Any]] = {}
    for each in sorted(pieces, key=lambda piece: (piece["submitted_at"], piece["id"])):
        first.setdefault(each["works_file"], each)
    files = [
        (file, page.t("draft.works_file_of", number=each["number"], date=_day(each))) for file, each in first.items()
    ]
    return {"previous_piece": [none, *before], "works_file": [("", page.t("draft.works_file_new")), *files]}


def _day(piece: Mapping[str, Any]) -> str:
    return show_date(piece["submitted_at"])

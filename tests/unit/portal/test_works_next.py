"""A works file: which piece is expected, from whom, and what its draft begins with."""

from types import SimpleNamespace
from typing import Any

import pytest

from contracts.events import Grant
from services.common.principal import of_grants
from services.portal.pages import works_next
from services.portal.pages.works_next import Next

FILE, BEFORE = "0190e8a0-0000-7000-8000-000000000041", "0190e8a0-0000-7000-8000-000000000042"
SUPPLIER, MOE, MOA, TOWN = "73282932000074", "99900002900010", "99900003700013", "22060001900016"


def row(status: str = "A_ASSOCIER_MOE", cadre: str = "A4") -> dict[str, Any]:
    shown = {"code": status, "terminal": False}
    return {"id": BEFORE, "number": "T-1", "cadre": cadre, "status": shown, "supplier_siret": SUPPLIER}


def piece(cadre: str = "A4", **works: Any) -> dict[str, Any]:
    header = {"supplier_siret": SUPPLIER, "recipient_siret": TOWN, "service_code": "DRH", "contract": None}
    parties = {"moe": {"siret": MOE, "service": None}, "moa": {"siret": MOA, "service": "BAT"}, **works}
    return {"id": BEFORE, "cadre": cadre, "header": header, "validators": [], "works": {"file": FILE, **parties}}


def looks(*grants: Grant, status: str = "A_ASSOCIER_MOE") -> list[Next]:
    me: Any = SimpleNamespace(principal=of_grants("person:1", grants))
    return works_next.following([row(status)], {BEFORE: piece()}, me)


def test_the_works_manager_is_offered_what_follows_and_nobody_else_is() -> None:
    found = looks(Grant(role="MOE", structure=MOE))
    assert [(each.piece, each.by, each.siret, each.ready, each.mine) for each in found] == [
        ("A15", "MOE", MOE, True, True),
        ("A16", "MOE", MOE, True, True),
    ]
    for other in (
        Grant(role="MOE", structure=MOA),
        Grant(role="MOA", structure=MOE),
        Grant(role="FOURNISSEUR", structure=SUPPLIER),
    ):
        assert not any(each.mine for each in looks(other))


def test_a_piece_that_its_reader_has_not_taken_is_expected_and_not_yet_to_be_made() -> None:
    found = looks(Grant(role="MOE", structure=MOE), status="MISE_A_DISPOSITION_MOE")
    assert [(each.piece, each.ready) for each in found] == [("A15", False), ("A16", False)]


def test_the_draft_is_linked_and_has_what_the_pieces_have_in_common() -> None:
    assert works_next.fields(piece(), "A15") == {
        "cadre": "A15",
        "works_file": FILE,
        "previous_piece": BEFORE,
        "supplier_siret": SUPPLIER,
        "recipient_siret": TOWN,
        "service_code": "DRH",
        "moe_siret": MOE,
        "moa_siret": MOA,
        "moa_service": "BAT",
    }
    of_another = piece("A11") | {"validators": [{"siret": TOWN}]}
    assert works_next.fields(of_another, "A17")["supplier_siret"] == TOWN


@pytest.mark.parametrize(
    ("before", "file", "following", "may"),
    [
        (piece(), FILE, "A15", True),
        (piece(), FILE, "A19", False),
        (piece(), BEFORE, "A15", False),
        (piece() | {"works": None}, FILE, "A15", False),
    ],
)
def test_only_what_follows_in_this_file_is_begun(before: dict[str, Any], file: str, following: str, may: bool) -> None:
    assert works_next.may_follow(before, file, following) is may

"""In what roles somebody deposits, and where he holds each."""

import pytest

from contracts.events import Grant
from invoice.cadres import CADRES, Depositor, Given, check_depositor, check_role
from invoice.model import Party
from services.common.auth import Principal
from services.common.principal import of_grants
from services.ingest.depositing import depositor, left, sees, sending_scope, within

HERE, THERE = "73282932000074", "22310001700423"


def test_a_role_is_held_at_the_place_of_its_right_and_nowhere_else() -> None:
    found = depositor(
        of_grants(
            "x",
            [
                Grant(role="DEPOSANT", structure=HERE),
                Grant(role="MOE", structure=THERE),
                Grant(role="COMPTABLE", structure="22060001900016", tenant="cd06"),
                Grant(role="FOURNISSEUR", structure=THERE, service="one service"),
            ],
        )
    )
    roles = (f"FOURNISSEUR/{HERE}", f"MOE/{THERE}", f"DEPOSANT/{HERE}")
    assert found == Depositor(structures=(HERE, THERE), roles=roles)
    assert (found.at("FOURNISSEUR"), found.at("MOE"), found.at("MOA")) == ((HERE,), (THERE,), ())


def test_a_development_token_holds_each_role_at_each_of_its_structures() -> None:
    found = depositor(Principal(subject="x", structures=(HERE, THERE), roles=("DEPOSANT", "MOE")))
    assert found == Depositor(structures=(HERE, THERE), roles=("FOURNISSEUR", "MOE"))
    assert found.at("FOURNISSEUR") == found.at("MOE") == (HERE, THERE)


def test_a_suppliers_invoices_are_seen_by_who_is_verified_or_reads_there() -> None:
    unverified = Grant(role="DEPOSANT", structure=HERE)
    for others, seen in (
        ((), False),
        ((Grant(role="FOURNISSEUR", structure=HERE),), True),
        ((Grant(role="LECTURE", structure=HERE),), True),
        ((Grant(role="FOURNISSEUR", structure=THERE), Grant(role="MOE", structure=HERE)), False),
    ):
        assert sees(depositor(of_grants("x", (unverified, *others))), HERE) == seen, others
    assert not sees(depositor(of_grants("x", (Grant(role="MOE", structure=HERE),))), HERE)
    assert sees(depositor(Principal(subject="x", structures=(HERE,), roles=("FOURNISSEUR",))), HERE)


def test_what_is_left_is_no_more_than_then_and_no_more_than_now() -> None:
    then = (HERE, THERE), (f"FOURNISSEUR/{HERE}", f"FOURNISSEUR/{THERE}")
    here, there = (Grant(role="FOURNISSEUR", structure=siret) for siret in (HERE, THERE))
    elsewhere = Grant(role="FOURNISSEUR", structure="35600000000048")

    def now(*grants: Grant, **more: object) -> Depositor:
        return left(of_grants("x", grants, **more), *then)

    assert now(here, there, elsewhere) == Depositor(structures=then[0], roles=then[1])
    assert now(there) == Depositor(structures=(THERE,), roles=(f"FOURNISSEUR/{THERE}",))
    assert now() == now(Grant(role="MOE", structure=HERE)) == Depositor(structures=(), roles=())
    assert now(here, kind="software", scopes=("deposits.read",)).roles == ()
    demoted = now(Grant(role="DEPOSANT", structure=HERE), there)
    assert within(*then, demoted)
    assert not sees(demoted, HERE)
    assert within(*then, now(here, there))
    assert not within(*then, now(here))
    bare = left(of_grants("x", (here,)), (HERE,), ("FOURNISSEUR",))
    assert within((HERE,), ("FOURNISSEUR",), bare)


@pytest.mark.parametrize(("siret", "codes"), [(HERE, {"DEPOSITOR_NOT_MOE"}), (THERE, set())])
def test_a_piece_of_a_moe_is_deposited_by_the_moe_it_names(siret: str, codes: set[str]) -> None:
    by = Depositor(structures=(HERE, THERE), roles=(f"FOURNISSEUR/{HERE}", f"MOE/{THERE}"))
    cadre = next(each for each in CADRES.values() if each.by == "MOE")
    assert check_role(cadre, by.roles) == ()
    assert {f.code for f in check_depositor(cadre, Given(moe=Party(siret=siret)), by)} == codes


def test_a_draft_is_sent_under_the_places_at_which_its_sender_deposits() -> None:
    who = of_grants(
        "x", [Grant(role="FOURNISSEUR", structure=HERE), Grant(role="COMPTABLE", structure=THERE, tenant="cd31")]
    )
    scope = sending_scope(who)
    assert (scope["structures"], scope["roles"]) == (HERE, f"FOURNISSEUR/{HERE}")
    assert who.scope()["structures"] == f"{HERE},{THERE}"

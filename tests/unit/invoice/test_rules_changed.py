"""The addressing rules beside their table: levels that a body sets, other budgets, others' engagements, services."""

from datetime import date
from typing import Any

import msgspec
import pytest

from invoice.addressing import Address, Around, decide
from invoice.directory import Identifier, Parameters, Policies, RuleOverride, Service, Tenant
from invoice.directory_checks import entry_problems
from invoice.rules_table import changeable, levels, operator_sentence
from tests.unit.invoice.addressing_sample import (
    ACHATS,
    ELSEWHERE,
    MASK,
    OTHERS,
    SIBLING,
    STATED,
    THEIRS,
    WORKS,
    at,
    demanding,
    looked_up,
    order,
)
from tests.unit.invoice.sample import DAY, GERS, GERS_REGIE, codes, made, only


def test_a_body_sets_its_own_level_where_the_table_lets_it() -> None:
    own = (RuleOverride(code="SERVICE_REQUIRED", level="warn"),)
    lenient = at(made(Parameters(service_required=True), levels=own))
    assert lenient.outcome == "routed"
    assert only(lenient.findings, "SERVICE_REQUIRED").level == "warn"
    strict = made(engagements_stated=True, levels=(RuleOverride(code="ENGAGEMENT_UNKNOWN", level="refuse"),))
    assert at(strict, around=Around(), engagement="E9").outcome == "unroutable"


def test_a_tenant_sets_levels_for_all_and_a_structure_for_itself() -> None:
    general = Tenant(
        id="cd32", name="Gers", policies=Policies(levels=(RuleOverride(code="SERVICE_REQUIRED", level="warn"),))
    )
    asks = Parameters(service_required=True)
    assert at(made(asks), tenant=general).outcome == "routed"
    own = made(asks, levels=(RuleOverride(code="SERVICE_REQUIRED", level="refuse"),))
    assert at(own, tenant=general).outcome == "unroutable"
    assert levels(own, general) == {}
    assert levels(made(asks), general) == {"SERVICE_REQUIRED": "warn"}


@pytest.mark.parametrize(
    "code", ["DEST_INC", "DEST_STATE", "DEST_INACTIVE", "ENGAGEMENT_FORMAT", "MARKET_FORMAT", "NONE"]
)
@pytest.mark.parametrize("level", ["warn", "refuse"])
def test_a_rule_that_is_not_the_body_s_to_change_keeps_its_level(code: str, level: Any) -> None:
    structure = made(levels=(RuleOverride(code=code, level=level),), engagement_formats=MASK)
    assert changeable(code) == frozenset()
    assert levels(structure) == {}
    assert codes(at(structure, engagement="X").findings, "refuse") == []
    assert any("ne peut pas être mise" in problem for problem in entry_problems(structure))


def test_the_budget_that_knows_the_reference_is_named() -> None:
    decision = at(services=(ACHATS,), service_code="REGIE", around=ELSEWHERE)
    assert codes(decision.findings, "refuse") == ["SERVICE_OF_OTHER_STRUCTURE"]
    assert codes(decision.findings, "warn") == ["DEST_OTHER_BUDGET"]
    for code in ("SERVICE_OF_OTHER_STRUCTURE", "DEST_OTHER_BUDGET"):
        found = only(decision.findings, code)
        assert GERS_REGIE in found.message
        assert "Essai – Régie" in found.message


def test_a_closed_service_of_another_budget_is_no_hint() -> None:
    gone = Service(siret=GERS_REGIE, code="REGIE", label="Régie", active=False)
    decision = at(services=(ACHATS,), service_code="REGIE", around=looked_up(services=(gone,)))
    assert codes(decision.findings, "warn", "refuse") == ["SERVICE_UNKNOWN"]


def test_a_closed_budget_is_no_hint() -> None:
    shut = msgspec.structs.replace(SIBLING, valid_to=date(2020, 1, 1))
    closed = {"siblings": {GERS_REGIE: shut}}
    for around in (
        looked_up(services=(OTHERS,), **closed),
        looked_up(engagements=(order(siret=GERS_REGIE),), **closed),
    ):
        decision = at(services=(ACHATS,), service_code="REGIE", engagement="E1234", around=around)
        assert codes(decision.findings, "warn", "refuse") == ["SERVICE_UNKNOWN"]
    assert codes(at(known=False, around=looked_up(**closed)).findings, "refuse") == ["DEST_INC"]


def test_a_wrong_budget_lists_the_body_s_own_with_the_principal_first() -> None:
    principal = made(kind="budget_principal", name="Budget principal", group="Gers")
    around = Around(siblings={GERS_REGIE: SIBLING, GERS: principal})
    decision = decide(Address(recipient_siret="00003200300055"), None, {}, DAY, around=around)
    found = only(decision.findings, "DEST_NOT_A_BUDGET")
    assert "d'aucun budget de Gers" in found.message
    assert "000 032 003 00014 (Budget principal) ; 000 032 003 00048 (Régie)" in (found.action or "")


def test_another_establishment_of_the_company_may_invoice_its_engagement() -> None:
    other = Identifier(type="SIRET", value="00099900300023", normalised="00099900300023")
    decision = at(around=looked_up(engagement=order(supplier=other)), engagement="E1234")
    assert "ENGAGEMENT_OF_SUPPLIER" in codes(decision.findings, "ok")


@pytest.mark.parametrize("supplier", [None, Identifier(type="RIDET", value="0034567001", normalised="0034567001")])
def test_an_engagement_whose_supplier_cannot_be_compared_is_not_refused(supplier: Identifier | None) -> None:
    decision = at(around=looked_up(engagement=order(supplier=supplier)), engagement="E1234")
    assert decision.outcome == "routed"
    assert not any(code.endswith("SUPPLIER") for code in codes(decision.findings))


def test_nothing_tells_for_whom_an_engagement_is_nor_how_another_s_stands() -> None:
    closed = looked_up(engagement=order(supplier=THEIRS, open=False, service_code="B"))
    decision = at(around=closed, engagement="E1234", service_code="A")
    assert codes(decision.findings, "refuse") == ["ENGAGEMENT_OTHER_SUPPLIER"]
    assert b"000999011" not in msgspec.json.encode(decision.findings)
    assert "000999011" not in "".join(map(operator_sentence, decision.findings))


def test_a_body_that_lets_others_use_an_engagement_still_has_its_state_looked_at() -> None:
    lenient = made(levels=(RuleOverride(code="ENGAGEMENT_OTHER_SUPPLIER", level="warn"),))
    closed = looked_up(engagement=order(supplier=THEIRS, open=False))
    decision = at(lenient, around=closed, engagement="E1234")
    assert codes(decision.findings, "warn") == ["ENGAGEMENT_OTHER_SUPPLIER"]
    assert codes(decision.findings, "refuse") == ["ENGAGEMENT_CLOSED"]


def test_nothing_is_said_about_engagements_where_nobody_acts_for_the_supplier() -> None:
    for around in (Around(), looked_up(engagement=order()), looked_up(engagements=(order(siret=GERS_REGIE),))):
        decision = at(STATED, around=around, engagement="E1234", supplier=None)
        assert codes(decision.findings, "warn", "refuse") == []
        assert not any(
            code.startswith("ENGAGEMENT_") and code != "ENGAGEMENT_GIVEN" for code in codes(decision.findings)
        )


def test_a_service_answers_for_its_own_invoices() -> None:
    asks = demanding(market_required="refuse", engagement_required=True)
    eased = Service(siret=GERS, code="A", label="A", market_required="off", market_replaces_engagement=True)
    assert codes(at(asks, (eased,), service_code="A").findings, "refuse") == ["ENGAGEMENT_REQUIRED"]
    assert at(asks, (eased,), service_code="A", contract="M1").outcome == "routed"
    works = Service(siret=GERS, code="A", label="A", moa_only=False)
    assert at(demanding(moa_only=True), (works,), service_code="A").outcome == "routed"
    refused = only(at(services=(WORKS,), service_code="ACHATS").findings, "DEST_MOA_ONLY")
    assert refused.message.startswith("Le service « ACHATS »")

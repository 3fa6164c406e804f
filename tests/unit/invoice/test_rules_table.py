"""The addressing rules as a table: each code is seen to fire and not to fire, each rule tells its outcome."""

from datetime import date
from typing import Any

import msgspec
import pytest

from invoice.addressing import Address, Around, Decision, decide, index_services
from invoice.directory import (
    Engagement,
    Identifier,
    NumberFormat,
    Parameters,
    Policies,
    RuleOverride,
    Service,
    Structure,
    Tenant,
)
from invoice.directory_checks import entry_problems
from invoice.findings import Finding, refusals
from invoice.messages import CODES
from invoice.rules_page import render
from invoice.rules_table import RULE_OF, RULES, changeable, levels, operator_sentence, outcomes
from tests.unit.invoice.sample import DAY, GERS, GERS_REGIE, ROOT, SUPPLIER, codes, made, only

SIBLING = Structure(siret=GERS_REGIE, name="Régie", tenant="cd32", kind="budget_annexe", group="Essai")
ACHATS = Service(siret=GERS, code="ACHATS", label="Achats")
OTHERS = Service(siret=GERS_REGIE, code="REGIE", label="Régie")
MINE = Identifier(type="SIRET", value=SUPPLIER, normalised=SUPPLIER)
THEIRS = Identifier(type="SIRET", value="00099901100018", normalised="00099901100018")
MASK = (NumberFormat(regex=r"^E\d{4}$", mask="Ennnn", examples=("E1234",)),)


def order(**fields: Any) -> Engagement:
    given: dict[str, Any] = {"siret": GERS, "number": "E1234", "supplier": MINE, **fields}
    return Engagement(**given)


def at(
    structure: Structure | None = None,
    services: tuple[Service, ...] = (),
    *,
    on: date = DAY,
    tenant: Tenant | None = None,
    around: Around | None = None,
    known: bool = True,
    **written: Any,
) -> Decision:
    """Decide on a structure made up by a test, from a supplier; not ``known``: the directory does not have it."""
    structure = structure or made()
    address = Address(**{"recipient_siret": structure.siret, "supplier": SUPPLIER, **written})
    found = structure if known else None
    return decide(address, found, index_services(services), on, tenant=tenant, around=around)


def demanding(**parameters: Any) -> Structure:
    return made(Parameters(**parameters))


def looked_up(**facts: Any) -> Around:
    return Around(**{"siblings": {GERS_REGIE: SIBLING}, **facts})


STATE = "11000201100044"
FREE, STATED = made(services_stated=False), made(engagements_stated=True)
FORMED = made(engagement_formats=MASK, market_formats=MASK)
ELSEWHERE = looked_up(services=(OTHERS,))
CLOSED = Service(siret=GERS, code="ACHATS", label="Achats", active=False)
PAST = Service(siret=GERS, code="ACHATS", label="Achats", valid_to=date(2020, 1, 1))
FUTURE = Service(siret=GERS, code="ACHATS", label="Achats", valid_from=date(2090, 1, 1))
RESERVED = Service(siret=GERS, code="FACTURES_PUBLIQUES", label="Factures publiques")
WORKS = Service(siret=GERS, code="ACHATS", label="Achats", moa_only=True)
ON, OFF = Tenant(id="cd32", name="Gers"), Tenant(id="cd32", name="Gers", active=False)

PLAIN = at()
KNOWN = at(services=(ACHATS,), service_code="achats")
ORDERED = at(around=looked_up(engagement=order()), engagement="e 1234")

#: Code, a decision in which it is given, one in which it is not.
CASES: dict[str, tuple[Decision, Decision]] = {
    "DEST_SIRET_VALID": (PLAIN, at(recipient_siret="1")),
    "DEST_SIRET_INVALID": (at(recipient_siret="1"), PLAIN),
    "DEST_LOCAL": (PLAIN, at(recipient_siret=STATE, known=False)),
    "DEST_STATE": (at(recipient_siret=STATE, known=False), PLAIN),
    "DEST_KNOWN": (PLAIN, at(known=False)),
    "DEST_INC": (at(known=False), PLAIN),
    "DEST_NOT_A_BUDGET": (at(known=False, around=looked_up()), at(known=False)),
    "TENANT_ACTIVE": (at(tenant=ON), at(tenant=OFF)),
    "TENANT_INACTIVE": (at(tenant=OFF), at(tenant=ON)),
    "DEST_ACTIVE": (PLAIN, at(made(active=False))),
    "DEST_INACTIVE": (at(made(active=False)), PLAIN),
    "DEST_NOT_YET_OPEN": (at(made(valid_from=date(2026, 11, 23))), at(made(valid_from=DAY))),
    "DEST_EXPIRED": (at(made(valid_to=date(2026, 11, 21))), at(made(valid_to=DAY))),
    "DEST_ACCEPTS_CADRE": (PLAIN, at(demanding(moa_only=True))),
    "DEST_ACCEPTS_WORKS": (at(demanding(moa_only=True), cadre="A4"), PLAIN),
    "DEST_MOA_ONLY": (at(services=(WORKS,), service_code="ACHATS"), at(demanding(moa=True))),
    "SERVICE_NOT_REQUIRED": (PLAIN, KNOWN),
    "SERVICE_REQUIRED": (at(demanding(service_required=True)), PLAIN),
    "SERVICE_RESERVED": (at(services=(RESERVED,), service_code=RESERVED.code), KNOWN),
    "SERVICE_RESERVED_ALLOWED": (
        at(services=(RESERVED,), service_code=RESERVED.code, supplier_is_public=True),
        at(services=(RESERVED,), service_code=RESERVED.code),
    ),
    "SERVICE_KNOWN": (KNOWN, at(services=(ACHATS,), service_code="B")),
    "SERVICE_UNKNOWN": (at(services=(ACHATS,), service_code="B"), KNOWN),
    "SERVICE_OF_OTHER_STRUCTURE": (
        at(services=(ACHATS,), service_code="REGIE", around=ELSEWHERE),
        at(services=(ACHATS,), service_code="REGIE", around=Around()),
    ),
    "SERVICE_UNCHECKED": (at(FREE, service_code="B"), at(FREE, (ACHATS,), service_code="ACHATS")),
    "SERVICE_NOT_EXPECTED": (at(service_code="B"), at(services=(ACHATS,), service_code="B")),
    "SERVICE_ACTIVE": (KNOWN, at(services=(CLOSED,), service_code="ACHATS")),
    "SERVICE_INACTIVE": (at(services=(CLOSED,), service_code="ACHATS"), KNOWN),
    "SERVICE_VALID": (KNOWN, at(services=(PAST,), service_code="ACHATS")),
    "SERVICE_NOT_YET_VALID": (at(services=(FUTURE,), service_code="ACHATS"), KNOWN),
    "SERVICE_EXPIRED": (at(services=(PAST,), service_code="ACHATS"), KNOWN),
    "ENGAGEMENT_GIVEN": (ORDERED, PLAIN),
    "ENGAGEMENT_NOT_REQUIRED": (PLAIN, ORDERED),
    "ENGAGEMENT_REQUIRED": (at(demanding(engagement_required=True)), PLAIN),
    "MARKET_REPLACES_ENGAGEMENT": (
        at(demanding(engagement_required=True, market_replaces_engagement=True), contract="M1"),
        at(demanding(engagement_required=True), contract="M1"),
    ),
    "ENGAGEMENT_FORMAT_MATCHES": (at(FORMED, engagement="E1234"), at(FORMED, engagement="X")),
    "ENGAGEMENT_SPELLING": (at(FORMED, engagement="e 1234"), at(FORMED, engagement="E1234")),
    "ENGAGEMENT_FORMAT": (at(FORMED, engagement="X"), at(FORMED, engagement="E1234")),
    "ENGAGEMENT_KNOWN": (ORDERED, at(engagement="E1234")),
    "ENGAGEMENT_UNKNOWN": (at(STATED, around=Around(), engagement="E9"), at(STATED, engagement="E9")),
    "ENGAGEMENT_OPEN": (ORDERED, at(around=looked_up(engagement=order(open=False)), engagement="E1234")),
    "ENGAGEMENT_CLOSED": (at(around=looked_up(engagement=order(open=False)), engagement="E1234"), ORDERED),
    "ENGAGEMENT_OF_SUPPLIER": (ORDERED, at(around=looked_up(engagement=order(supplier=None)), engagement="E1234")),
    "ENGAGEMENT_OTHER_SUPPLIER": (
        at(around=looked_up(engagement=order(supplier=THEIRS)), engagement="E1234"),
        ORDERED,
    ),
    "ENGAGEMENT_SERVICE_AGREES": (
        at(around=looked_up(engagement=order(service_code="achats")), engagement="E1234", service_code="ACHATS"),
        ORDERED,
    ),
    "ENGAGEMENT_OTHER_SERVICE": (
        at(around=looked_up(engagement=order(service_code="B")), engagement="E1234", service_code="ACHATS"),
        at(around=looked_up(engagement=order(service_code="B")), engagement="E1234"),
    ),
    "SERVICE_OR_ENGAGEMENT_GIVEN": (at(demanding(service_or_engagement=True), engagement="E1"), PLAIN),
    "SERVICE_OR_ENGAGEMENT_REQUIRED": (
        at(demanding(service_or_engagement=True), contract="M1"),
        at(demanding(service_or_engagement=True, market_replaces_engagement=True), contract="M1"),
    ),
    "MARKET_GIVEN": (at(contract="M1"), PLAIN),
    "MARKET_NOT_REQUIRED": (PLAIN, at(demanding(market_required="warn"))),
    "MARKET_EXPECTED": (at(demanding(market_required="warn")), PLAIN),
    "MARKET_REQUIRED": (at(demanding(market_required="refuse")), at(demanding(market_required="warn"))),
    "MARKET_FORMAT_MATCHES": (at(FORMED, contract="E1234"), at(FORMED, contract="X")),
    "MARKET_SPELLING": (at(FORMED, contract="e1234"), at(FORMED, contract="E1234")),
    "MARKET_FORMAT": (at(FORMED, contract="X"), at(FORMED, contract="E1234")),
    "DEST_BUDGET_AGREES": (ORDERED, at(services=(ACHATS,), service_code="REGIE", around=ELSEWHERE)),
    "DEST_OTHER_BUDGET": (
        at(around=looked_up(engagements=(order(siret=GERS_REGIE),)), engagement="E1234"),
        at(around=looked_up(engagements=(order(siret=GERS_REGIE, supplier=THEIRS),)), engagement="E1234"),
    ),
}


def test_every_code_of_the_rules_has_a_case() -> None:
    assert set(CASES) == set(RULE_OF)


@pytest.mark.parametrize("code", CASES)
def test_a_code_fires_where_it_should_and_nowhere_else(code: str) -> None:
    fires, silent = CASES[code]
    assert only(fires.findings, code).level == CODES[code].level
    assert code not in codes(silent.findings)
    assert (fires.outcome == "unroutable") == bool(refusals(fires.findings))


def test_every_rule_has_its_codes_and_every_code_its_level_sentences_and_source() -> None:
    assert all(rule.label and rule.passes and rule.fails for rule in RULES.values())
    assert len(RULE_OF) == sum(len(rule.passes) + len(rule.fails) for rule in RULES.values())
    for rule in RULES.values():
        assert {CODES[code].level for code in rule.passes} <= {"ok", "info"}
        for code in rule.fails:
            row = CODES[code]
            assert row.level in ("warn", "refuse")
            assert row.may != row.level
            assert row.operator
            assert row.action
            assert row.source.startswith(("chorus-pro.md", "decisions.md"))


def test_the_page_of_the_rules_is_what_the_table_says() -> None:
    page = (ROOT / "docs" / "addressing.md").read_text(encoding="utf-8")
    assert page == render(), "stale: python -m invoice.rules_page > docs/addressing.md"


def test_only_rules_of_addressing_have_an_operator_sentence_or_a_level_to_choose() -> None:
    assert {code for code, row in CODES.items() if row.operator or row.may} <= set(RULE_OF)


@pytest.mark.parametrize("code", sorted(RULE_OF))
def test_the_operator_sentence_needs_no_more_than_the_finding_keeps(code: str) -> None:
    fires, _ = CASES[code]
    found = only(fires.findings, code)
    sentence = operator_sentence(msgspec.json.decode(msgspec.json.encode(found), type=Finding))
    assert sentence
    assert "{" not in sentence
    if code in {c for rule in RULES.values() for c in rule.fails}:
        assert sentence != found.message


def test_a_finding_of_no_rule_is_told_to_the_operator_as_to_the_supplier() -> None:
    assert operator_sentence(Finding(code="OLD_CODE", level="warn", message="Phrase.")) == "Phrase."


def test_the_outcome_of_every_rule_is_told_by_stored_findings() -> None:
    decision = at(
        demanding(service_required=True, market_required="warn"),
        around=looked_up(engagement=order()),
        engagement="E1234",
    )
    stored = msgspec.json.decode(msgspec.json.encode(decision.findings), type=tuple[Finding, ...])
    states = {outcome.rule: outcome.state for outcome in outcomes(stored)}
    assert decision.rules == outcomes(stored)
    assert list(states) == list(RULES)
    assert states["RECIPIENT_KNOWN"] == "passed"
    assert states["SERVICE_REQUIRED"] == "refused"
    assert states["MARKET_REQUIRED"] == "warned"
    assert states["ENGAGEMENT_OPEN"] == "passed"
    assert states["TENANT_ACTIVE"] == states["SERVICE_VALID"] == "not_looked_at"
    for outcome in decision.rules:
        assert bool(outcome.findings) == (outcome.state != "not_looked_at")
        assert outcome.findings or outcome.needs


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

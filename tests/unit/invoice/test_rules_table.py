"""The addressing rules as a table: each code is seen to fire and not to fire, each rule tells its outcome."""

from datetime import date

import msgspec
import pytest

from invoice.addressing import Around, Decision
from invoice.directory import Service, Tenant
from invoice.findings import Finding, refusals
from invoice.messages import CODES
from invoice.rules_page import render
from invoice.rules_table import RULE_OF, RULES, operator_sentence, outcomes
from tests.unit.invoice.addressing_sample import (
    ACHATS,
    ELSEWHERE,
    FREE,
    MASK,
    STATED,
    THEIRS,
    WORKS,
    at,
    demanding,
    looked_up,
    order,
)
from tests.unit.invoice.sample import DAY, GERS, GERS_REGIE, ROOT, codes, made, only

STATE = "11000201100044"
FORMED = made(engagement_formats=MASK, market_formats=MASK)
CLOSED = Service(siret=GERS, code="ACHATS", label="Achats", active=False)
PAST = Service(siret=GERS, code="ACHATS", label="Achats", valid_to=date(2020, 1, 1))
FUTURE = Service(siret=GERS, code="ACHATS", label="Achats", valid_from=date(2090, 1, 1))
RESERVED = Service(siret=GERS, code="FACTURES_PUBLIQUES", label="Factures publiques")
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
